import {randomBytes} from 'node:crypto'
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import {dirname, join} from 'node:path'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {parseReference} from '../../../src/oci/names/reference.js'
import {unpack} from '../../../src/operations/unpack.js'
import {update} from '../../../src/operations/update.js'
import {createMemoryStore} from '../../../src/store/memory-store.js'
import type {Range} from '../../../src/store/range-reader.js'
import {operationPorts} from '../../support/operation-ports.js'
import {runs} from '../../support/property-runs.js'
import {makeEntry, putImage} from '../../support/put-image.js'
import {rangeReader} from '../../support/range-reader.js'
import {tempDir} from '../../support/temp-dir.js'
import {updateRequest} from '../../support/update-options.js'

const noise = randomBytes(2_000_000)
const large = randomBytes(1_500_000)

/** Forty files of 10 kB, one of 1.5 MB, a hard link's worth of odd names, an empty file. */
function makeTree(tree: string): void {
  for (let i = 0; i < 40; i++)
    write(tree, `d${i % 4}/file${i}`, noise.subarray(i * 10_000, (i + 1) * 10_000))
  write(tree, 'large', large)
  write(tree, 'empty', '')
  write(tree, 'text', 'some text\n'.repeat(100))
  symlinkSync('text', join(tree, 'link'))
}

function write(tree: string, path: string, content: Uint8Array | string): void {
  mkdirSync(dirname(join(tree, path)), {recursive: true})
  writeFileSync(join(tree, path), content)
}

interface Start {
  readonly layers?: number
  readonly compression?: 'zstd' | 'zstd:chunked'
  readonly path?: string
}

/** Images v1 and v2 in a store with ranges, and `out`, which has v1. */
async function start(change: (tree: string) => void, more: Start = {}) {
  const folder = await tempDir()
  const tree = join(folder, 'tree')
  const out = join(folder, 'out')
  const {compression = 'zstd:chunked', ...options} = more
  const memory = createMemoryStore('images')
  await putImage(memory, {layers: [{entries: [makeEntry('etc/')]}], tag: 'base'})
  const reference = (tag: string) => parseReference(`registry.example/team/app:${tag}`)
  const put = async (tag: string) => {
    const request = {directory: tree, reference: reference('base'), tags: [tag]}
    await update(updateRequest({...request, ...options, compression}), operationPorts(memory))
  }
  mkdirSync(tree)
  makeTree(tree)
  await put('v1')
  change(tree)
  await put('v2')

  const stop = new AbortController()
  let opened = 0
  let ranges = true
  let onRead: (bytes: Uint8Array, range: Range) => Uint8Array = (bytes) => bytes
  const store = {
    ...memory,
    ...rangeReader(memory, {onRead: (bytes, range) => onRead(bytes, range)}),
    openBlob: (...args: Parameters<typeof memory.openBlob>) => {
      opened++
      return memory.openBlob(...args)
    },
  }
  const get = async (tag: string, {directory = out, ...options}: GetOptions = {}) => {
    opened = 0
    const ports = {...operationPorts(ranges ? store : memory), signal: stop.signal}
    const how = {name: 'cvmfs', force: true, devices: false, strict: true, ...options}
    const result = await unpack({reference: reference(tag), directory, ...how}, ports)
    // the config is a blob, too
    return {...result, whole: opened - 1, said: ports.said}
  }
  await get('v1')
  return {
    ...{folder, out, get},
    withoutRanges: () => void (ranges = false),
    onRead: (hook: typeof onRead) => void (onRead = hook),
    stop: (reason: Error) => stop.abort(reason),
  }
}
interface GetOptions {
  readonly directory?: string
  readonly verify?: boolean
}

function described(tree: string): string[] {
  return readdirSync(tree, {recursive: true, encoding: 'utf8'})
    .sort()
    .map((name) => {
      const path = join(tree, name)
      const stat = lstatSync(path)
      const content = stat.isFile() ? readFileSync(path, 'latin1') : ''
      const target = stat.isSymbolicLink() ? readlinkSync(path) : ''
      return `${name} ${stat.mode.toString(8)} ${stat.uid}:${stat.gid} ${stat.mtimeMs} ${target} ${content}`
    })
}

/** `out` is what a fresh unpack gives. */
async function expectFresh({folder, out, get}: Awaited<ReturnType<typeof start>>, tag = 'v2') {
  const fresh = join(folder, 'fresh')
  rmSync(fresh, {recursive: true, force: true})
  await get(tag, {directory: fresh})
  expect(described(out)).toEqual(described(fresh))
}

const changeOne = (tree: string): void => write(tree, 'd1/file5', randomBytes(10_000))

describe('a layer of which the directory has files', () => {
  it('is fetched in parts: the table, and the frames of what differs', async () => {
    const run = await start(changeOne)
    const result = await run.get('v2')
    expect(result.whole).toBe(0)
    expect(result.compressedSize).toBeGreaterThan(1_900_000)
    expect(result.fetchedSize).toBeLessThan(20_000)
    expect(result.said).toEqual([])
    await expectFresh(run)
    // and back again, with the table of the other version
    expect((await run.get('v1')).fetchedSize).toBeLessThan(20_000)
    await expectFresh(run, 'v1')
  })

  it('is fetched in parts below the path of a slot, and divided into layers', async () => {
    const run = await start(changeOne, {path: '/opt/models', layers: 2})
    const result = await run.get('v2')
    // the other layer is small
    expect(result).toMatchObject({layers: 2, whole: 1})
    expect(result.fetchedSize).toBeLessThan(30_000)
    await expectFresh(run)
  })

  it('is fetched chunk by chunk where a large file differs', async () => {
    const run = await start((tree) =>
      write(
        tree,
        'large',
        Buffer.concat([
          large.subarray(0, 700_000),
          Buffer.from('inserted'),
          large.subarray(700_000),
        ]),
      ),
    )
    const result = await run.get('v2')
    expect(result.whole).toBe(0)
    expect(result.fetchedSize).toBeLessThan(400_000)
    await expectFresh(run)
  })

  it('is fetched in few requests', async () => {
    const run = await start((tree) => {
      for (let i = 0; i < 20; i++) write(tree, `d${i % 4}/file${i}`, randomBytes(1000))
    })
    const ranges: Range[] = []
    run.onRead((bytes, range) => {
      ranges.push(range)
      return bytes
    })
    await run.get('v2')
    // files of a directory lie together
    expect(ranges.length).toBeLessThan(10)
    const ends = ranges.slice(2).map(({offset, length}) => offset + length)
    expect(ranges.slice(3).every(({offset}, at) => offset >= ends[at]!)).toBe(true)
    await expectFresh(run)
  })

  it.each<[string, (tree: string) => void, Start]>([
    ['most of it differs', (tree) => write(tree, 'large', randomBytes(1_900_000)), {}],
    ['it has no table of contents', changeOne, {compression: 'zstd'}],
  ])('is fetched whole where %s', async (_, change, more) => {
    const run = await start(change, more)
    const {whole, said} = await run.get('v2')
    expect({whole, said}).toEqual({whole: 1, said: []})
    await expectFresh(run)
  })

  it('is fetched whole where there are no ranges, and with --verify', async () => {
    const run = await start(changeOne)
    const verified = await run.get('v2', {verify: true})
    expect(verified).toMatchObject({whole: 1, fetchedSize: verified.compressedSize})
    run.withoutRanges()
    const result = await run.get('v1')
    expect(result).toMatchObject({fetchedSize: result.compressedSize, said: []})
    await expectFresh(run, 'v1')
  })

  it('is fetched whole where ranges end while it is fetched', async () => {
    const run = await start(changeOne)
    let reads = 0
    run.onRead((bytes) => (++reads > 2 ? bytes.subarray(1) : bytes))
    const {whole, said} = await run.get('v2')
    expect(whole).toBe(1)
    expect(said).toEqual([expect.stringContaining('is fetched as a whole')])
    await expectFresh(run)
  })
})

it('stops while it is fetched in parts, and the directory stays', async () => {
  const run = await start(changeOne)
  const before = described(run.out)
  let reads = 0
  run.onRead((bytes) => {
    if (++reads === 3) run.stop(new Error('enough'))
    return bytes
  })
  await expect(run.get('v2')).rejects.toThrow('enough')
  expect(described(run.out)).toEqual(before)
  expect(readdirSync(run.folder).sort()).toEqual(['out', 'tree'])
})

describe('files of the directory', () => {
  const touches: [string, (out: string) => void][] = [
    [
      'with other content, and their time set back',
      (out) => {
        const {atime, mtime} = statSync(join(out, 'text'))
        writeFileSync(join(out, 'text'), 'evil text\n'.repeat(100))
        utimesSync(join(out, 'text'), atime, mtime)
      },
    ],
    ['that are gone', (out) => rmSync(join(out, 'd1'), {recursive: true})],
    [
      'that became directories',
      (out) => {
        rmSync(join(out, 'text'))
        mkdirSync(join(out, 'text'))
      },
    ],
    [
      'that became links',
      (out) => {
        renameSync(join(out, 'text'), join(out, 'elsewhere'))
        symlinkSync('elsewhere', join(out, 'text'))
      },
    ],
    [
      'below a link',
      (out) => {
        renameSync(join(out, 'd1'), join(out, '..', 'moved'))
        symlinkSync('../moved', join(out, 'd1'))
      },
    ],
    ['with another mode', (out) => chmodSync(join(out, 'text'), 0o600)],
  ]
  it.each(touches)('%s do no harm', async (_, touch) => {
    const run = await start(changeOne)
    touch(run.out)
    const {whole, said} = await run.get('v2')
    expect({whole, said}).toEqual({whole: 0, said: []})
    await expectFresh(run)
  })

  it('that change while they are read do no harm', async () => {
    const run = await start(changeOne)
    let reads = 0
    run.onRead((bytes) => {
      // after the table and the tar-split the files have been compared
      if (++reads === 3) writeFileSync(join(run.out, 'text'), 'evil text\n'.repeat(100))
      return bytes
    })
    const {whole, said} = await run.get('v2')
    expect(reads).toBeGreaterThan(2)
    expect(whole).toBe(1)
    expect(said).toEqual([expect.stringContaining('is fetched as a whole')])
    await expectFresh(run)
  })

  it('that become shorter while they are read do no harm', async () => {
    const run = await start(changeOne)
    let reads = 0
    run.onRead((bytes) => {
      if (++reads === 3) rmSync(join(run.out, 'text'))
      return bytes
    })
    expect((await run.get('v2')).whole).toBe(1)
    await expectFresh(run)
  })
})

it('gives what a fresh unpack gives, whatever changed on either side', async () => {
  const name = fc.constantFrom('d0/file0', 'd1/file1', 'd2/new', 'large', 'text', 'empty', 'd3')
  const edit = fc.record({
    name,
    kind: fc.constantFrom('noise', 'zeros', 'text', 'remove', 'insert', 'folder', 'link'),
    at: fc.nat(1_000_000),
  })
  const apply = (edits: readonly {name: string; kind: string; at: number}[]) => (tree: string) => {
    for (const {name, kind, at} of edits) {
      const path = join(tree, name)
      const stat = lstatSync(path, {throwIfNoEntry: false})
      const old = stat?.isFile() === true ? readFileSync(path) : Buffer.alloc(0)
      rmSync(path, {recursive: true, force: true})
      if (lstatSync(dirname(path), {throwIfNoEntry: false})?.isDirectory() !== true) continue
      if (kind === 'noise') writeFileSync(path, randomBytes(1 + (at % 300_000)))
      if (kind === 'zeros') writeFileSync(path, Buffer.concat([old, Buffer.alloc(at), old]))
      if (kind === 'text') writeFileSync(path, `text ${at}`)
      if (kind === 'folder') mkdirSync(path)
      if (kind === 'link') symlinkSync('text', path)
      if (kind === 'insert')
        writeFileSync(
          path,
          Buffer.concat([old.subarray(0, at), Buffer.from('!'), old.subarray(at)]),
        )
    }
  }
  await fc.assert(
    fc.asyncProperty(
      fc.array(edit, {maxLength: 4}),
      fc.array(edit, {maxLength: 4}),
      async (inImage, inPlace) => {
        const run = await start(apply(inImage))
        apply(inPlace)(run.out)
        const {said} = await run.get('v2')
        expect(said).toEqual([])
        await expectFresh(run)
      },
    ),
    {numRuns: runs(0.5)},
  )
})
