import fc from 'fast-check'
import {execa} from 'execa'
import {
  chmodSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import {dirname, join} from 'node:path'
import {describe, expect, it} from 'vitest'
import type {Entry} from '../../../src/layer/entry.js'
import {hashLayer} from '../../../src/layer/pack/hash-layer.js'
import {packLayer} from '../../../src/layer/pack/pack.js'
import {withoutBaseDirectories} from '../../../src/layer/pack/parents.js'
import {planShards} from '../../../src/layer/shards/plan.js'
import {divide, oneShard, placeEach} from '../../../src/layer/shards/divide.js'
import {countShards, type ShardPlan} from '../../../src/layer/shards/shard-plan.js'
import {unpackLayer, unpackLayers} from '../../../src/layer/unpack/unpack-layers.js'
import {createRecord} from '../../../src/layer/recording/record.js'
import {walk} from '../../../src/layer/tree/walk.js'
import type {WalkedEntry} from '../../../src/layer/tree/walked-entry.js'
import {windowsLayer} from '../../../src/layer/tree/windows.js'
import {digestOf} from '../../../src/oci/digest.js'
import {ociLayer} from '../../../src/oci/media-type.js'
import {streamOf} from '../../../src/stream/bytes.js'
import {collect} from '../../support/open-registry.js'
import {makeEntry} from '../../support/put-image.js'
import {tempDir} from '../../support/temp-dir.js'
import {thrownBy} from '../../support/thrown-by.js'
import {treeSnapshot} from '../../support/tree-snapshot.js'
import {runs} from '../../support/property-runs.js'

type Entries = () => Iterable<WalkedEntry>

async function planOf(entries: Entries, layers: number) {
  const {plan} = await planShards(entries, layers, 127)
  if (!plan) throw new Error('one layer is not a division')
  return plan
}

async function tarOf(entries: Entries) {
  const bytes = await collect(packLayer(entries, {compression: 'none'}).open())
  return {bytes, diffId: digestOf(bytes)}
}

async function shardsOf(entries: Entries, layers: number) {
  const list = []
  const plan = await planOf(entries, layers)
  for (const shard of divide(entries, plan))
    list.push({...(await tarOf(shard.entries)), entries: [...shard.entries()]})
  expect(list).toHaveLength(countShards(plan))
  expectSame(entries, plan, list)
  return list
}

/** What the other ways to divide give, beside `divide`. */
function expectSame(
  entries: Entries,
  plan: ShardPlan,
  shards: readonly {readonly entries: readonly WalkedEntry[]}[],
): void {
  const placed = shards.map((): Entry[] => [])
  placeEach(entries, plan, (shard, {entry}) => placed[shard]?.push(entry))
  const expected = shards.map((shard) => shard.entries.map(({entry}) => entry))
  expect(placed).toEqual(expected)
  const alone = shards.map((_, number) => oneShard(entries, plan, number))
  for (let round = 0; round < 2; round++)
    expect(alone.map((shard) => Array.from(shard.entries(), ({entry}) => entry))).toEqual(expected)
}

const asLayer = ({bytes, diffId}: Awaited<ReturnType<typeof tarOf>>) => ({
  open: () => streamOf(bytes),
  mediaType: ociLayer,
  diffId,
})

/** What the entries are as one layer, and as several: both unpacked. */
async function bothWays(entries: Entries, layers: number, path = '/') {
  const folder = await tempDir()
  const [one, several] = [join(folder, 'one'), join(folder, 'several')]
  const how = {path, force: false}
  const whole = await unpackLayer({...how, directory: one, ...asLayer(await tarOf(entries))})
  const shards = await shardsOf(entries, layers)
  const merged = await unpackLayers({...how, directory: several, layers: shards.map(asLayer)})
  expect(merged.entries).toBe(whole.entries)
  expect(merged.whiteouts).toBe(whole.whiteouts)
  return {one, several, shards}
}

const name = fc.constantFrom('a', 'b', 'c', '-x', '.y', 'Z', '\u00e9')
const node = fc.record({
  folder: fc.array(name, {maxLength: 3}),
  name,
  kind: fc.constantFrom(
    'file',
    'file',
    'file',
    'link',
    'link',
    'symlink',
    'fifo',
    'directory',
    'whiteout',
    'outside',
  ),
  size: fc.oneof(fc.integer({min: 0, max: 3000}), fc.integer({min: 0, max: 40_000})),
  mode: fc.constantFrom(0o644, 0o755, 0o4711, 0o600),
  mtime: fc.integer({min: 0, max: 2_000_000_000}),
})

/**
 * Makes what can be made of the nodes, one after the other; hard links are to what was made before,
 * or to something outside.
 */
async function makeTree(
  root: string,
  nodes: readonly (typeof node extends fc.Arbitrary<infer T> ? T : never)[],
) {
  const made: string[] = []
  const folders = new Map<string, number>()
  mkdirSync(root)
  for (const {folder, name: last, kind, size, mode, mtime} of nodes) {
    const parent = join(root, ...folder)
    const path = join(parent, kind === 'whiteout' ? `.wh.${last}` : last)
    try {
      mkdirSync(kind === 'directory' ? path : parent, {recursive: true, mode: 0o755})
      for (let each = parent; each.length > root.length; each = dirname(each))
        folders.set(each, mtime)
      if (kind === 'directory') folders.set(path, mtime)
      else if (kind === 'symlink') symlinkSync(`../${last}`, path)
      else if (kind === 'fifo') await execa('mkfifo', [path])
      else if (kind === 'link' && made.length > 0) linkSync(made[size % made.length] ?? '', path)
      else writeFileSync(path, Buffer.alloc(size, path), {flag: 'wx', mode})
      if (kind === 'outside') linkSync(path, `${root}-${made.length}`)
      if (kind !== 'directory') made.push(path)
    } catch {
      // a name that is taken, or leads through a file
    }
  }
  for (const path of made)
    lutimesSync(path, 1_000_000_000 + path.length, 1_000_000_000 + path.length)
  for (const [path, mtime] of [...folders].sort(([a], [b]) => (a < b ? 1 : -1))) {
    chmodSync(path, [0o755, 0o700, 0o1777][mtime % 3] ?? 0o755)
    lutimesSync(path, mtime, mtime)
  }
}

describe('several layers of one tree', () => {
  it('give, one over the other, what one layer gives', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(node, {minLength: 1, maxLength: 60}),
        fc.integer({min: 2, max: 9}),
        fc.constantFrom('/', '/opt/models'),
        async (nodes, layers, path) => {
          const root = join(await tempDir(), 'tree')
          await makeTree(root, nodes)
          const entries: Entries = () => walk(root, {path, whiteouts: true})
          const {plan} = await planShards(entries, layers, 127)
          if (!plan) return
          const {one, several, shards} = await bothWays(entries, layers, path)
          const skip = path === '/' ? 1 : 0
          // a whiteout has its names for itself
          const compared = (of: string) => {
            const lines = treeSnapshot(of).slice(skip)
            return nodes.some(({kind}) => kind === 'whiteout')
              ? lines.map((line) => line.replace(/ links \d+/, ''))
              : lines
          }
          expect(compared(several)).toEqual(compared(one))
          expect(shards.length).toBeLessThanOrEqual(layers)
          shards.forEach(({entries: own}, number) => check(own, number, shards.length))
          const again = await shardsOf(() => walk(several, {path, whiteouts: true}), layers)
          expect(again.map(({diffId}) => diffId)).toEqual(shards.map(({diffId}) => diffId))
        },
      ),
      {numRuns: runs(0.2)},
    )
  })

  it('are the same of the rows of a walk', async () => {
    let compared = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(node, {minLength: 1, maxLength: 60}),
        fc.integer({min: 2, max: 9}),
        fc.constantFrom('/', '/opt/models'),
        fc.constantFrom('link', 'symlink'),
        async (nodes, layers, path, left) => {
          const root = join(await tempDir(), 'tree')
          // rows hold neither these nor hard links to symbolic links
          const plain = nodes.map((each) =>
            ['fifo', left].includes(each.kind) ? {...each, kind: 'file' as const} : each,
          )
          await makeTree(root, plain)
          const entries: Entries = () => walk(root, {path, whiteouts: true, detail: 'states'})
          const {plan} = await planShards(entries, layers, 127)
          if (!plan) return
          const prefixLength = path === '/' ? 0 : path.length
          const record = createRecord(prefixLength)
          for (const walked of entries()) record.add(walked)
          const found = record.rows()
          if (!found) throw new Error('the rows of the walk do not hold all of it')
          const rows = () => ({...found, folder: `${root}/`, prefixLength})
          const nobody: Entries = () => {
            throw new Error('rows are enough')
          }
          const divided = (of: Entries) => [...divide(of, plan)].map(({entries: own}) => [...own()])
          expect(divided(Object.assign(nobody, {rows}))).toEqual(divided(entries))
          compared++
        },
      ),
      {numRuns: runs(0.3)},
    )
    expect(compared).toBeGreaterThan(1)
  })

  /** What must hold of every layer by itself. */
  function check(entries: readonly WalkedEntry[], number: number, count: number): void {
    const seen = new Set<string>()
    for (const {entry} of entries) {
      const last = entry.path.slice(entry.path.lastIndexOf('/') + 1)
      if (last.startsWith('.wh.')) expect(number).toBe(0)
      if (entry.kind === 'hardlink') expect(seen).toContain(entry.target)
      if (entry.kind === 'directory' && number < count - 1) expect(entry.mtime).toBe(0)
      expect(seen).not.toContain(entry.path)
      seen.add(entry.path)
    }
  }

  /** 60 directories of 5 files each. */
  async function plainTree() {
    const root = join(await tempDir(), 'tree')
    for (let i = 0; i < 300; i++) {
      const folder = join(root, `part${i % 6}`, `group${i % 60}`)
      mkdirSync(folder, {recursive: true})
      writeFileSync(join(folder, `f${i}`), Buffer.alloc(500 + 7 * i, `${i} `))
    }
    return {root, entries: () => walk(root, {path: '/'})}
  }
  const diffIdsOf = async (entries: Entries, layers: number) =>
    (await shardsOf(entries, layers)).map(({diffId}) => diffId)
  const fresh = (before: readonly string[], after: readonly string[]) =>
    after.filter((diffId) => !before.includes(diffId)).length

  it('a changed file is in one layer; a directory\u2019s new time in the last one only', async () => {
    const {root, entries} = await plainTree()
    const before = await diffIdsOf(entries, 16)
    expect(before.length).toBeGreaterThan(8)
    writeFileSync(join(root, 'part3/group9/f9'), 'same length or not')
    expect(fresh(before, await diffIdsOf(entries, 16))).toBe(1)
    lutimesSync(join(root, 'part3'), 5, 5)
    const after = await diffIdsOf(entries, 16)
    expect(after.at(-1)).not.toBe(before.at(-1))
    expect(fresh(before, after)).toBe(2)
  })

  it('a subtree that is taken away or added changes few', async () => {
    const {root, entries} = await plainTree()
    const before = await diffIdsOf(entries, 16)
    renameSync(join(root, 'part2/group8'), join(root, '..', 'away'))
    const without = await diffIdsOf(entries, 16)
    // the size aimed at has gone down a step, too: that tears two layers elsewhere, and no more
    expect(fresh(before, without)).toBeLessThanOrEqual(6)
    renameSync(join(root, '..', 'away'), join(root, 'part5/group08'))
    expect(fresh(without, await diffIdsOf(entries, 16))).toBeLessThanOrEqual(6)
  })

  it('names of a content store far from those that people use: what changes is where people see it', async () => {
    const root = join(await tempDir(), 'tree')
    for (let i = 0; i < 400; i++) {
      const hash = digestOf(Buffer.from(String(i))).slice(7)
      const data = join(root, '.data', hash.slice(0, 2))
      const folder = join(root, 'repo', `v${Math.floor(i / 40)}`)
      mkdirSync(data, {recursive: true})
      mkdirSync(folder, {recursive: true})
      writeFileSync(join(data, hash), Buffer.alloc(2000, hash))
      linkSync(join(data, hash), join(folder, `f${i}`))
    }
    const entries: Entries = () => walk(root, {path: '/cvmfs'})
    const {one, several, shards} = await bothWays(entries, 12, '/cvmfs')
    expect(treeSnapshot(several)).toEqual(treeSnapshot(one))
    expect(shards.length).toBeGreaterThan(6)
    const before = shards.map(({diffId}) => diffId)
    rmSync(join(root, 'repo/v4'), {recursive: true})
    await execa('find', [join(root, '.data'), '-links', '1', '-type', 'f', '-delete'])
    expect(fresh(before, await diffIdsOf(entries, 12))).toBeLessThanOrEqual(4)
  })

  it('directories that are left out are left out of every layer', async () => {
    const {entries} = await plainTree()
    const [part] = [...entries()].filter(({entry}) => entry.path === 'part1')
    if (!part) throw new Error('no such directory')
    const omitted: Entries = () =>
      withoutBaseDirectories(entries(), new Map([['part1', part.entry]]))
    for (const {entries: own} of await shardsOf(omitted, 12))
      expect(own.some(({entry}) => entry.path === 'part1')).toBe(false)
  })

  it('every layer for Windows has what Windows wants of one', async () => {
    const {entries} = await plainTree()
    for (const shard of divide(entries, await planOf(entries, 6))) {
      const paths = [...windowsLayer(shard.entries())].map(({entry}) => entry.path)
      expect(paths.slice(0, 2)).toEqual(['Hives', 'Files'])
      expect(paths[2]).toMatch(/^Files\/part\d$/)
    }
  })

  it('more entries than are kept in memory are walked again', async () => {
    const files = Array.from({length: 17_000}, (_, i) => makeEntry(`d/f${i}`))
    const entries: Entries = () => [makeEntry('d/'), ...files, makeEntry('e')]
    const [first] = divide(entries, await planOf(entries, 2))
    const paths = [...(first?.entries() ?? [])].map(({entry}) => entry.path)
    expect(paths).toHaveLength(17_002)
    expect((await hashLayer(first?.entries ?? entries))?.entries).toBe(17_002)
  })

  it('what is released gives its memory to other layers, and is found again all the same', async () => {
    const {entries} = await plainTree()
    const plan = await planOf(entries, 8)
    const expected = Array.from(divide(entries, plan), (shard) => [...shard.entries()])
    const memory: (readonly ArrayBufferLike[])[] = []
    const shards = []
    for (const shard of divide(entries, plan)) {
      memory.push((shard.rows()?.pieces ?? []).map(({buffer}) => buffer))
      shard.release()
      shard.release()
      expect(shard.rows()).toBeUndefined()
      shards.push(shard)
    }
    const [first = [], ...others] = memory
    expect(first.length).toBeGreaterThan(0)
    expect(others.some((pieces) => pieces.some((piece) => first.includes(piece)))).toBe(true)
    for (const [number, shard] of shards.entries())
      expect([...shard.entries()]).toEqual(expected[number])
  })

  it('a tree that changes between the walks is noticed', async () => {
    const {root, entries} = await plainTree()
    const plan = await planOf(entries, 8)
    writeFileSync(join(root, 'part0/group0/another'), '')
    expect(thrownBy(() => [...divide(entries, plan)])).toMatchObject({
      code: 'ERR_INJECT_CHANGED_WHILE_PACKED',
    })
  })

  it('auto leaves a small tree in one layer, and one of directories, and an image without room', async () => {
    const {root, entries} = await plainTree()
    expect(await planShards(entries, 'auto', 127)).toEqual({plan: undefined, isLimited: false})
    writeFileSync(join(root, 'large'), Buffer.alloc(9_000_000))
    expect((await planShards(entries, 'auto', 127)).plan).toBeDefined()
    expect(await planShards(entries, 'auto', 1)).toEqual({plan: undefined, isLimited: true})
    const few = await planShards(entries, 'auto', 4)
    expect(few.plan && countShards(few.plan)).toBeLessThanOrEqual(4)
    expect(few.isLimited).toBe(true)
    rmSync(root, {recursive: true})
    mkdirSync(join(root, 'a/b'), {recursive: true})
    expect((await planShards(entries, 8, 127)).plan).toBeUndefined()
  })
})
