import {execaSync} from 'execa'
import fc from 'fast-check'
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {openMemoryFile} from '../../src/layer/memory/memory-file.js'
import {parseReference} from '../../src/oci/names/reference.js'
import {unpack} from '../../src/operations/unpack.js'
import {update} from '../../src/operations/update.js'
import type {ContentStore} from '../../src/store/content-store.js'
import {createMemoryStore} from '../../src/store/memory-store.js'
import {operationPorts} from '../support/operation-ports.js'
import {runs} from '../support/property-runs.js'
import {makeEntry, putImage} from '../support/put-image.js'
import {tempDir} from '../support/temp-dir.js'
import {updateRequest} from '../support/update-options.js'

const layers = 8

/** Sixteen directories of eight files, a hard link and a symbolic link. */
function makeTree(tree: string): void {
  for (let i = 0; i < 128; i++) {
    const folder = join(tree, 'cvmfs', `part${i % 16}`)
    mkdirSync(folder, {recursive: true})
    writeFileSync(join(folder, `file${i}`), Buffer.alloc(4000, `${i} text `))
  }
  linkSync(join(tree, 'cvmfs/part1/file1'), join(tree, 'cvmfs/part9/link1'))
  symlinkSync('nowhere', join(tree, 'cvmfs/symlink'))
}

/** Images v1 and v2 in a store that counts, and a machine that unpacks them into `out`. */
async function start(change: (tree: string) => void, prepare?: (tree: string) => void) {
  const folder = await tempDir()
  const tree = join(folder, 'tree')
  const store = createMemoryStore('images')
  await putImage(store, {layers: [{entries: [makeEntry('etc/')]}], tag: 'base'})
  const reference = (tag: string) => parseReference(`registry.example/team/app:${tag}`)
  const put = async (tag: string) => {
    const request = {directory: tree, reference: reference('base'), layers, tags: [tag]}
    await update(updateRequest(request), operationPorts(store))
  }
  makeTree(tree)
  prepare?.(tree)
  await put('v1')
  change(tree)
  await put('v2')

  let fetched = 0
  let whenFetched: ((count: number) => void) | undefined
  const counting: ContentStore = {
    ...store,
    openBlob: (blob, call) => {
      // the first is the config
      const count = fetched++
      whenFetched?.(count)
      return store.openBlob(blob, call)
    },
  }
  const options = {folder: join(await tempDir(), 'trees'), now: () => Date.now() + 3_600_000}
  const openMemory = (place: {directory: string; slot: string}) => openMemoryFile(place, options)
  const out = join(folder, 'out')
  /** `fetched` counts layers and configs. */
  const get = async (tag: string, {directory = out, onFetch, ...more}: GetOptions = {}) => {
    fetched = 0
    whenFetched = onFetch
    const how = {name: 'cvmfs', force: true, devices: false, strict: true, ...more}
    const ports = {...operationPorts(counting), openMemory}
    const result = await unpack({reference: reference(tag), directory, ...how}, ports)
    return {...result, fetched: fetched - 1}
  }
  return {folder, out, get}
}
interface GetOptions {
  readonly directory?: string
  readonly verify?: boolean
  /** Called before each layer is fetched, with its number from 1, and with 0 for the config. */
  readonly onFetch?: (count: number) => void
}

/** Everything about a tree that can be seen, and which names are one file. */
function described(tree: string): string[] {
  const first = new Map<number, string>()
  return readdirSync(tree, {recursive: true, encoding: 'utf8'})
    .sort()
    .map((name) => {
      const path = join(tree, name)
      const {mode, uid, gid, mtimeMs, ino, nlink} = lstatSync(path)
      const isFile = lstatSync(path).isFile()
      const content = isFile ? readFileSync(path, 'latin1') : ''
      if (isFile && !first.has(ino)) first.set(ino, name)
      const group = isFile ? `${nlink} ${first.get(ino)}` : ''
      return `${name} ${mode.toString(8)} ${uid}:${gid} ${mtimeMs} ${group} ${content}`
    })
}

const changeOne = (tree: string): void =>
  writeFileSync(join(tree, 'cvmfs/part3/file3'), Buffer.alloc(4000, 'other '))

it('fetches the layers that differ, and takes over the others, run after run', async () => {
  const {folder, out, get} = await start(changeOne)
  const first = await get('v1')
  expect(first).toMatchObject({kept: 0})
  expect(first.layers).toBeGreaterThan(4)
  const inode = statSync(join(out, 'cvmfs/part9/file9')).ino
  for (const tag of ['v2', 'v1', 'v2', 'v2']) {
    const result = await get(tag)
    expect(result.kept).toBeGreaterThanOrEqual(first.layers - 2)
    expect(result.fetched).toBe(result.layers - result.kept)
    const fresh = join(folder, 'fresh')
    rmSync(fresh, {recursive: true, force: true})
    const {entries, unpackedSize} = await get(tag, {directory: fresh})
    expect(result).toMatchObject({entries, unpackedSize})
    expect(described(out)).toEqual(described(fresh))
  }
  expect(statSync(join(out, 'cvmfs/part9/file9')).ino).toBe(inode)
  expect(await get('v2')).toMatchObject({fetched: 0})
})

it('fetches everything with --verify', async () => {
  const {get} = await start(changeOne)
  await get('v1')
  const {fetched, layers: count, kept} = await get('v2', {verify: true})
  expect({fetched, kept}).toEqual({fetched: count, kept: 0})
})

const touches: Record<string, (out: string) => void> = {
  'was written to, with its time set back': (out) => {
    const file = join(out, 'cvmfs/part7/file7')
    const {atime, mtime} = statSync(file)
    writeFileSync(file, Buffer.alloc(4000, 'evil '))
    utimesSync(file, atime, mtime)
  },
  'got another mode': (out) => chmodSync(join(out, 'cvmfs/part7/file7'), 0o777),
  'got a name elsewhere': (out) =>
    linkSync(join(out, 'cvmfs/part7/file7'), join(out, '..', 'elsewhere')),
  'was removed': (out) => rmSync(join(out, 'cvmfs/part7/file7')),
  'got another owner': (out) => {
    if (process.getuid?.() === 0) execaSync('chown', ['12:34', join(out, 'cvmfs/part7/file7')])
    else chmodSync(join(out, 'cvmfs/part7/file7'), 0o700)
  },
}

it.each(Object.entries(touches))('fetches the layer of a file that %s', async (_, touch) => {
  const {folder, out, get} = await start(changeOne)
  await get('v1')
  touch(out)
  const result = await get('v2')
  expect(result.kept).toBeLessThan(result.layers - 1)
  await get('v2', {directory: join(folder, 'fresh')})
  expect(described(out)).toEqual(described(join(folder, 'fresh')))
  expect(statSync(join(out, 'cvmfs/part7/file7')).nlink).toBe(1)
})

it('gives what a fresh unpack gives, whatever changed in between', async () => {
  const names = fc.integer({min: 0, max: 127}).map((i) => `cvmfs/part${i % 16}/file${i}`)
  const edit = fc.record({
    name: names,
    kind: fc.constantFrom('write', 'remove', 'add', 'mode', 'folder'),
  })
  const property = fc.asyncProperty(
    fc.array(edit, {minLength: 1, maxLength: 5}),
    fc.array(edit, {maxLength: 3}),
    async (inImage, inPlace) => {
      const apply = (edits: typeof inImage) => (tree: string) => {
        for (const {name, kind} of edits) {
          const path = join(tree, name)
          if (kind === 'remove') rmSync(path, {force: true, recursive: true})
          else if (kind === 'add') writeFileSync(`${path}.new`, `added ${name}`)
          else if (kind === 'folder') mkdirSync(`${path}.folder`, {recursive: true})
          else if (lstatSync(path, {throwIfNoEntry: false})) {
            if (kind === 'mode') chmodSync(path, 0o700)
            else writeFileSync(path, `edited ${name}`)
          }
        }
      }
      const {folder, out, get} = await start(apply(inImage))
      await get('v1')
      apply(inPlace)(out)
      await get('v2')
      await get('v2', {directory: join(folder, 'fresh')})
      expect(described(out)).toEqual(described(join(folder, 'fresh')))
      await get('v1')
      await get('v1', {directory: join(folder, 'fresh')})
      expect(described(out)).toEqual(described(join(folder, 'fresh')))
    },
  )
  await fc.assert(property, {numRuns: runs(0.3)})
})

const changeSome = (tree: string): void => {
  for (const i of [2, 5, 8, 11, 14])
    writeFileSync(join(tree, `cvmfs/part${i}/file${i}`), Buffer.alloc(4000, 'other '))
}

function leftIn(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.includes('.inject-'))
}

/** Leaves what a run has at hand under the name of one that was killed. */
function killAt(folder: string, count: number): (fetched: number) => void {
  return (fetched) => {
    if (fetched !== count) return
    const [own = ''] = leftIn(folder)
    renameSync(join(folder, own), join(folder, own.replace(`-${process.pid}-`, '-4194303-')))
    throw new Error('killed')
  }
}

it('goes on with the layers that a killed run has fetched', async () => {
  const {folder, out, get} = await start(changeSome)
  await get('v1')
  const before = described(out)
  await expect(get('v2', {onFetch: killAt(folder, 3)})).rejects.toThrow('killed')
  expect(described(out)).toEqual(before)
  expect(leftIn(folder)).toEqual([expect.stringMatching(/^\.out\.inject-work-4194303-/)])
  const {fetched, layers: count, kept} = await get('v2')
  expect(count - kept).toBeGreaterThan(3)
  expect(fetched).toBe(count - kept - 2)
  await get('v2', {directory: join(folder, 'fresh')})
  expect(described(out)).toEqual(described(join(folder, 'fresh')))
  expect(leftIn(folder)).toEqual([])
})

it('fetches again what somebody has changed in what a killed run has fetched', async () => {
  const {folder, out, get} = await start(changeSome)
  await get('v1')
  await expect(get('v2', {onFetch: killAt(folder, 3)})).rejects.toThrow('killed')
  const [work = ''] = leftIn(folder)
  for (const name of readdirSync(join(folder, work), {recursive: true, encoding: 'utf8'})) {
    const path = join(folder, work, name)
    if (!/file\d+$/.test(name)) continue
    const {atime, mtime, size} = statSync(path)
    writeFileSync(path, Buffer.alloc(size, 'evil '))
    utimesSync(path, atime, mtime)
  }
  const {fetched, layers: count, kept} = await get('v2')
  expect(fetched).toBe(count - kept)
  await get('v2', {directory: join(folder, 'fresh')})
  expect(described(out)).toEqual(described(join(folder, 'fresh')))
})

it('fetches the layer of a file that somebody writes to while others are fetched', async () => {
  const {folder, out, get} = await start(changeOne)
  await get('v1')
  const onFetch = (count: number): void => {
    if (count === 1) writeFileSync(join(out, 'cvmfs/part7/file7'), 'by another program')
  }
  const {kept, fetched, layers: count} = await get('v2', {onFetch})
  expect({kept, fetched}).toEqual({kept: count - 2, fetched: 2})
  await get('v2', {directory: join(folder, 'fresh')})
  expect(described(out)).toEqual(described(join(folder, 'fresh')))
})

const meanwhile: Record<string, (out: string) => void> = {
  'a file was added': (out) => writeFileSync(join(out, 'cvmfs/part7/added'), 'added'),
  'a file was removed': (out) => rmSync(join(out, 'cvmfs/part7/file7')),
  'a directory got another mode': (out) => chmodSync(join(out, 'cvmfs/part7'), 0o700),
  'the directory was replaced': (out) => {
    renameSync(out, `${out}-before`)
    mkdirSync(join(out, 'other'), {recursive: true})
  },
}

it.each(Object.entries(meanwhile))(
  'gives all of the new version if %s meanwhile',
  async (_, touch) => {
    const {folder, out, get} = await start(changeOne)
    await get('v1')
    const onFetch = (count: number): void => {
      if (count === 1) touch(out)
    }
    const {kept, layers: count} = await get('v2', {onFetch})
    expect(kept).toBeLessThan(count - 1)
    await get('v2', {directory: join(folder, 'fresh')})
    expect(described(out)).toEqual(described(join(folder, 'fresh')))
    expect(leftIn(folder)).toEqual([])
  },
)

it('leaves the directory as it was when a layer cannot be fetched', async () => {
  const {folder, out, get} = await start(changeSome)
  await get('v1')
  const before = described(out)
  const onFetch = (count: number): void => {
    if (count === 2) throw new Error('the network is down')
  }
  await expect(get('v2', {onFetch})).rejects.toThrow('the network is down')
  expect(described(out)).toEqual(before)
  expect(leftIn(folder)).toEqual([])
})

it('two at once: the directory is one version or the other', async () => {
  const {folder, out, get} = await start(changeSome)
  const versions: string[][] = []
  for (const tag of ['v1', 'v2']) {
    await get(tag, {directory: join(folder, tag)})
    versions.push(described(join(folder, tag)))
  }
  for (let round = 0; round < 5; round++) {
    await get('v1')
    const runs = await Promise.allSettled([get('v2'), get('v1'), get('v2')])
    expect(runs.some(({status}) => status === 'fulfilled')).toBe(true)
    expect(versions).toContainEqual(described(out))
    expect(leftIn(folder)).toEqual([])
  }
})

it('changes directories as they are in the new version, and makes and removes them', async () => {
  const change = (tree: string): void => {
    rmSync(join(tree, 'cvmfs/part4'), {recursive: true})
    mkdirSync(join(tree, 'cvmfs/new/deep'), {recursive: true})
    writeFileSync(join(tree, 'cvmfs/new/deep/file'), 'new')
    chmodSync(join(tree, 'cvmfs/part6'), 0o750)
    rmSync(join(tree, 'cvmfs/part5/file5'))
    mkdirSync(join(tree, 'cvmfs/part5/file5'))
    rmSync(join(tree, 'cvmfs/part8'), {recursive: true})
    symlinkSync('part9', join(tree, 'cvmfs/part8'))
  }
  const {folder, out, get} = await start(change)
  await get('v1')
  const inode = statSync(out).ino
  for (const tag of ['v2', 'v1', 'v2']) {
    const {kept} = await get(tag)
    expect(kept).toBeGreaterThan(0)
    rmSync(join(folder, 'fresh'), {recursive: true, force: true})
    await get(tag, {directory: join(folder, 'fresh')})
    expect(described(out)).toEqual(described(join(folder, 'fresh')))
  }
  expect(statSync(out).ino).toBe(inode)
})

it('moves in only files that differ, of layers that are fetched', async () => {
  const large = (tree: string, at: number) => {
    const bytes = Buffer.alloc(300_000, 'x')
    bytes[at] = 1
    writeFileSync(join(tree, 'cvmfs/part3/large'), bytes)
    utimesSync(join(tree, 'cvmfs/part3/large'), 1000, 1000)
  }
  const change = (tree: string): void => {
    changeOne(tree)
    large(tree, 200_000)
    // the same content under another name, too: a file that stays has to be there for it
    linkSync(join(tree, 'cvmfs/part3/file19'), join(tree, 'cvmfs/part3/file19.link'))
  }
  const {folder, out, get} = await start(change, (tree) => large(tree, 100))
  await get('v1')
  const inodes = () =>
    new Map(
      readdirSync(join(out, 'cvmfs/part3')).map((name) => {
        const {ino, ctimeMs} = statSync(join(out, 'cvmfs/part3', name))
        return [name, `${ino} ${ctimeMs}`]
      }),
    )
  for (const tag of ['v2', 'v1', 'v2']) {
    const before = inodes()
    await get(tag)
    const after = inodes()
    rmSync(join(folder, 'fresh'), {recursive: true, force: true})
    await get(tag, {directory: join(folder, 'fresh')})
    expect(described(out)).toEqual(described(join(folder, 'fresh')))
    const changed = [...after].filter(([name, state]) => before.get(name) !== state)
    const names = changed.map(([name]) => name).filter((name) => !name.startsWith('file19'))
    expect(names.sort()).toEqual(['file3', 'large'])
  }
})

it('does not take a file for the same that is written to after it was compared', async () => {
  const {folder, out, get} = await start(changeSome)
  await get('v1')
  const onFetch = (count: number): void => {
    if (count !== 4) return
    for (const name of readdirSync(join(out, 'cvmfs'), {recursive: true, encoding: 'utf8'}))
      if (/file\d+$/.test(name)) chmodSync(join(out, 'cvmfs', name), 0o600)
  }
  await get('v2', {onFetch})
  await get('v2', {directory: join(folder, 'fresh')})
  expect(described(out)).toEqual(described(join(folder, 'fresh')))
})
