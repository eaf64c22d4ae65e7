import {createServer} from 'node:net'
import {
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import {mkdtemp, rm, stat} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {gunzipSync} from 'node:zlib'
import {afterAll, afterEach, beforeAll, describe, expect, it} from 'vitest'
import {hashLayer} from '../../../../src/layer/pack/hash-layer.js'
import type {BlockUse} from '../../../../src/layer/compress/block-access.js'
import {withBlockCache} from '../../../../src/layer/compress/block-cache-file.js'
import {decodeEntry} from '../../../../src/layer/compress/block-entry.js'
import {type BlockCodec, ownDeflate, zstd} from '../../../../src/layer/compress/codec.js'
import {InjectError} from '../../../../src/errors.js'
import {type LayerThreads, layerThreads} from '../../../../src/layer/pack/layer-threads.js'
import {packLayer, type PackOptions} from '../../../../src/layer/pack/pack.js'
import {
  createPackThreads,
  type PackThreads,
} from '../../../../src/layer/pack/threads/pack-threads.js'
import {createReaders} from '../../../../src/layer/pack/threads/readers.js'
import {type EntryItem, tarItems} from '../../../../src/layer/pack/blocks/write-tar.js'
import {recordedOnce} from '../../../../src/layer/recording/recorded-content.js'
import {lookOf} from '../../../../src/layer/tree/layer-look.js'
import {hashHeld} from '../../../../src/layer/pack/hash-held.js'
import {heldIn, holdEntries} from '../../../../src/layer/recording/held-entries.js'
import {withFileXattrs} from '../../../../src/layer/tree/file-xattrs.js'
import {treeEntries} from '../../../../src/layer/tree/walk-tree.js'
import {walk} from '../../../../src/layer/tree/walk.js'
import type {Entries} from '../../../../src/layer/tree/walked-entry.js'
import {digestOf} from '../../../../src/oci/digest.js'
import {tempDir} from '../../../support/temp-dir.js'

const MiB = 1024 * 1024
const when = new Date('2026-01-02T03:04:05Z')

/** Small files and large ones, in all some 20 MB: more than is packed without threads. */
function makeTree(root: string, seed = 0): void {
  let state = 1 + seed
  const next = (): number => (state = (Math.imul(state, 48_271) >>> 0) % 0x7fffffff)
  const text = Buffer.from(Array.from({length: 60_000}, () => `${next() % 5000} `).join(''))
  for (let number = 0; number < 700; number++) {
    const folder = join(root, `d${number % 23}`)
    mkdirSync(folder, {recursive: true})
    const name =
      number % 50 === 0 ? `naïve-${number}` : `${'long-name-'.repeat(number % 13)}${number}`
    const size = next() % (number % 9 === 0 ? 90_000 : 9000)
    writeFileSync(join(folder, name), text.subarray(next() % 200_000).subarray(0, size))
  }
  writeFileSync(join(root, 'large'), Buffer.concat(Array.from({length: 40}, () => text)))
  writeFileSync(join(root, 'zeros'), Buffer.alloc(3 * MiB))
  symlinkSync('large', join(root, 'link'))
  for (const name of ['large', 'zeros']) utimesSync(join(root, name), when, when)
}

/** A tree of `makeTree` for all tests that only read it: hundreds of files take their time. */
let common: string
beforeAll(async () => {
  common = await mkdtemp(join(tmpdir(), 'inject-test-'))
  makeTree(common)
})
afterAll(() => rm(common, {recursive: true}))

const pathsOf = (root: string) => () => walk(root, {path: '/'})

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const pack = async (root: string, options: PackOptions) => {
  const source = packLayer(pathsOf(root), options)
  const blob = await collect(source.open())
  return {digest: digestOf(blob), content: source.content(), blob}
}

/** Worker threads that run: all threads of this process but those that there were before. */
const workers = (): number => readdirSync('/proc/self/task').length - threadsBefore
let threadsBefore = 0
beforeAll(async () => {
  // the system calls of promises have threads of their own, from the first one on
  await stat('.')
  threadsBefore = readdirSync('/proc/self/task').length
})

const started: {close(): Promise<void>}[] = []
/** All that compress do so from the first piece on, unless there is patience. */
const start = (jobs: number, codec: BlockCodec = ownDeflate, patience = -1): PackThreads => {
  const readers = createReaders(1, 'walk')
  const threads = createPackThreads({jobs, codec, readers, patience})
  started.push(threads, readers)
  return threads
}
const allAtOnce = (jobs: number): LayerThreads => ({
  take: (codec) => Promise.resolve(jobs > 1 ? start(jobs, codec) : undefined),
  mostHashed: 0,
  prepare: () => Promise.resolve(),
  hash: () => Promise.resolve(undefined),
  expect: () => Promise.resolve(),
  giveBack: () => Promise.resolve(),
  close: () => Promise.resolve(),
})
const closeStarted = () => Promise.all(started.splice(0).map((threads) => threads.close()))
afterEach(async () => {
  await closeStarted()
  expect(workers()).toBe(0)
})

const stateOf = (path: string) => lstatSync(path, {bigint: true})

const itemsOf = (root: string) => tarItems(pathsOf(root)())

/** All that a pack gives, and what it returns. */
async function drain(stream: ReturnType<PackThreads['pack']>) {
  const chunks: Uint8Array[] = []
  for (;;) {
    const next = await stream.next()
    if (next.done === true) return {bytes: Buffer.concat(chunks), sum: next.value}
    chunks.push(next.value)
  }
}

const treeOf = (directory: string, onWarning: (text: string) => void = () => undefined) =>
  treeEntries({tree: {directory, path: '/', exclude: ['*.left-out']}, onWarning})

/** The same entries, after somebody looked at their names. */
function listedOnce(entries: Entries): Entries {
  if (!entries.walk) throw new Error('not a tree')
  const listed = recordedOnce(entries, entries.walk)
  expect(Array.from(listed('names')).length).toBeGreaterThan(700)
  return listed
}

/** Entries of a tree that are held, as those of a layer of a divided slot are. */
function heldOf(root: string, onWarning: (text: string) => void = () => undefined): Entries {
  const held = holdEntries()
  for (const walked of walk(root, {path: '/', detail: 'states'})) held.add(walked)
  const rows = () => held.rows()
  const entries = () => withFileXattrs(heldIn(rows()), onWarning)
  return Object.assign(entries, {held: {rows, onWarning}})
}

describe('rows that are read in a thread', () => {
  it('come to the same blob as the entries, and to the same look', async () => {
    const held = packLayer(heldOf(common), {jobs: 2})
    const blob = await collect(held.open())
    const here = await pack(common, {jobs: 1})
    expect(digestOf(blob)).toBe(here.digest)
    expect(held.content()).toEqual(here.content)
  })

  it('are hashed, and packed by the same threads then', async () => {
    const entries = heldOf(common)
    const threads = layerThreads(2)
    try {
      const progress: number[] = []
      const options = {threads, onProgress: (bytes: number) => progress.push(bytes)}
      const hashed = await hashHeld(entries, options)
      expect(hashed).toEqual(await hashLayer(entries))
      expect(progress).toEqual([hashed?.tarSize])
      // nothing is compressed yet
      expect(workers()).toBe(1)
      const source = packLayer(entries, {jobs: 2, threads})
      await collect(source.open())
      expect(source.content()).toEqual(hashed)
      expect(await hashHeld(entries, {threads})).toEqual(hashed)
    } finally {
      await threads.close()
    }
  })

  it.each([
    ['gzip, in this thread', ownDeflate, Infinity, 2],
    ['zstd, in this thread', zstd, Infinity, 2],
    ['gzip, in another thread from the first block on', ownDeflate, -1, 4],
  ])('are packed beside two that hash (%s)', async (_, codec, patience, threadsThen) => {
    const entries = heldOf(common)
    const rows = entries.held?.rows()
    if (!rows) throw new Error('not held')
    const content = {rows: {...rows, tarBytes: 200 * MiB}, onWarning: () => undefined}
    const readers = createReaders(2, 'rows')
    const threads = createPackThreads({jobs: 2, codec, readers, patience})
    started.push(threads, readers)
    await Promise.all([readers.hash(content), readers.hash(content)])
    expect(threads.canWork()).toBe(true)
    expect(workers()).toBe(2)
    const one = await drain(threads.pack(content))
    expect(workers()).toBe(threadsThen)
    const here = await drain(start(1, codec).pack(itemsOf(common)))
    expect(digestOf(one.bytes)).toBe(digestOf(here.bytes))
    expect(one.sum.diffId).toBe(here.sum.diffId)
    // the same threads are there for the next one
    expect(digestOf((await drain(threads.pack(content))).bytes)).toBe(digestOf(here.bytes))
    const aborted = AbortSignal.abort(new Error('enough'))
    await expect(drain(threads.pack(content, {signal: aborted}))).rejects.toThrow('enough')
  })

  it('are left to others if they are not held, or few', async () => {
    const threads = layerThreads(2)
    expect(await hashHeld(pathsOf(common), {threads})).toBeUndefined()
    const root = await tempDir()
    writeFileSync(join(root, 'small'), 'x')
    expect(await hashHeld(heldOf(root), {threads})).toBeUndefined()
    expect(workers()).toBe(0)
  })

  it.each(['pack', 'hash'] as const)('name what changed when they are read (%s)', async (how) => {
    const root = await tempDir()
    makeTree(root)
    const entries = heldOf(root)
    writeFileSync(join(root, 'zeros'), 'other')
    const threads = layerThreads(2)
    const work = how === 'hash' ? hashHeld(entries, {threads}) : collect(packLayer(entries).open())
    await expect(work).rejects.toMatchObject({
      code: 'ERR_INJECT_CHANGED_WHILE_PACKED',
      message: "'zeros' changed while it was packed",
    })
    expect(workers()).toBe(0)
  })

  it('stop being hashed when that is aborted', async () => {
    const threads = layerThreads(2)
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(hashHeld(heldOf(common), {threads, signal})).rejects.toThrow('enough')
    expect(workers()).toBe(0)
  })
})

describe('a tree that is walked in a thread', () => {
  const packed = async (entries: Entries, options: PackOptions) => {
    const source = packLayer(entries, options)
    const digest = digestOf(await collect(source.open()))
    return {digest, content: source.content()}
  }

  it('gives what a walk in this thread gives, and says what it leaves out', async () => {
    const root = await tempDir()
    makeTree(root)
    writeFileSync(join(root, 'd1/x.left-out'), 'x')
    linkSync(join(root, 'large'), join(root, 'd2/again'))
    const server = createServer().listen(join(root, 'socket'))
    const here: string[] = []
    const there: string[] = []
    const one = await packed(
      treeOf(root, (text) => here.push(text)),
      {jobs: 1},
    )
    const several = await packed(
      treeOf(root, (text) => there.push(text)),
      {jobs: 3},
    )
    server.close()
    expect(several).toEqual(one)
    expect(several.content.look).toEqual(lookOf(treeOf(root, () => undefined)('states')))
    expect(there).toContain("'socket' is a socket, which a layer cannot hold: left out")
    expect(new Set(there)).toEqual(new Set(here))
  })

  it.each([
    [
      'a whiteout',
      (root: string) => writeFileSync(join(root, 'd9/.wh.x'), ''),
      {name: 'UnsafeContentError', code: 'ERR_INJECT_WHITEOUT', hint: expect.any(String) as string},
    ],
    [
      'what an interrupted unpack left',
      (root: string) => mkdirSync(join(root, '.zz.inject-new-1-2-00000000-0000000000000000')),
      {name: 'LocalIoError', code: 'ERR_INJECT_UNPACK_UNFINISHED'},
    ],
    [
      'a path that is too deep',
      (root: string) =>
        mkdirSync(join(root, 'zz', ...Array<string>(260).fill('d')), {recursive: true}),
      {name: 'LimitError', code: 'ERR_INJECT_PATH_TOO_DEEP'},
    ],
  ])('fails for %s as in this thread', async (_, make, error) => {
    const root = await tempDir()
    makeTree(root)
    make(root)
    for (const jobs of [1, 2]) {
      const failed: unknown = await packed(treeOf(root), {jobs}).catch((reason: unknown) => reason)
      expect(failed).toBeInstanceOf(InjectError)
      expect(failed).toMatchObject(error)
    }
    expect(workers()).toBe(0)
  })

  it('is read as it was listed before, and not listed again', async () => {
    const root = await tempDir()
    makeTree(root)
    linkSync(join(root, 'large'), join(root, 'd2/again'))
    for (const path of ['/', '/opt/models']) {
      const entries = treeEntries({tree: {directory: root, path, exclude: []}, onWarning: () => {}})
      const one = await packed(entries, {jobs: 1})
      const listed = listedOnce(entries)
      expect(await packed(listed, {jobs: 3})).toEqual(one)
      // what it was is taken by the first one only: a later one sees what is there
      writeFileSync(join(root, 'd7/more'), 'more')
      const more = await packed(listed, {jobs: 3})
      expect(more).toEqual(await packed(entries, {jobs: 1}))
      expect(more.content.entries).toBe(one.content.entries + 1)
      rmSync(join(root, 'd7/more'))
    }
  })

  it.each<[string, (root: string) => void]>([
    ['another file', (root) => writeFileSync(join(root, 'd7/more'), 'more')],
    ['other content', (root) => writeFileSync(join(root, 'zeros'), Buffer.alloc(3 * MiB, 1))],
    ['no link', (root) => rmSync(join(root, 'link'))],
    ['another time', (root) => utimesSync(join(root, 'd7'), when, when)],
  ])('that has %s since it was listed is not packed', async (_, change) => {
    const root = await tempDir()
    makeTree(root)
    const listed = listedOnce(treeOf(root))
    change(root)
    await expect(packed(listed, {jobs: 3})).rejects.toMatchObject({
      name: 'LocalIoError',
      code: 'ERR_INJECT_CHANGED_WHILE_PACKED',
    })
  })
})

describe('blocks that are known', () => {
  it.each(['gzip', 'zstd'] as const)('are not compressed again, with %s', async (compression) => {
    const root = common
    const folder = await tempDir()
    const uses: BlockUse[] = []
    const run = (name: string, more: PackOptions) => {
      const options = {folder: join(folder, name), identity: [], limit: 1e9, onNotice: () => {}}
      return withBlockCache(options, async (cache) => {
        if (!cache) throw new Error('no cache')
        const note = (use: BlockUse): void => {
          uses.push(use)
          cache.note(use)
        }
        return pack(root, {compression, ...more, cache: {...cache, note}})
      })
    }
    const {digest} = await pack(root, {jobs: 3, compression})
    expect((await run('one', {jobs: 3, threads: allAtOnce(3)})).digest).toBe(digest)
    await closeStarted()
    const added = uses.splice(0).flatMap((use) => use.added)
    expect(added.length).toBeGreaterThan(10)
    for (const jobs of [3, 1, 2])
      expect((await run('one', {jobs, threads: allAtOnce(jobs)})).digest).toBe(digest)
    expect(uses.flatMap((use) => use.added)).toEqual([])
    const keys = added.map((entry) => decodeEntry(Buffer.from(entry), 0).key.toString())
    expect(new Set(uses.flatMap(({used}) => used)).size).toBe(new Set(keys).size)
    await closeStarted()
    // one thread is enough for that
    const threads = layerThreads(3)
    expect((await run('one', {jobs: 3, threads})).digest).toBe(digest)
    expect(workers()).toBe(2)
    await threads.close()
    // what is known is not made again, so it is what comes out
    const known = {folder: join(folder, 'two'), identity: [], limit: 1e9, onNotice: () => {}}
    await withBlockCache(known, (cache) => {
      for (const entry of added) {
        const {key, length} = decodeEntry(Buffer.from(entry), 0)
        cache?.put(key, Buffer.alloc(length, 7))
      }
      return Promise.resolve()
    })
    const {blob} = await run('two', {jobs: 2})
    expect(blob.subarray(20, 1000).every((byte) => byte === 7)).toBe(true)
  })
})

describe('blocks of another tree', () => {
  it('are compressed by all threads', async () => {
    const root = await tempDir()
    makeTree(root, 7)
    const folder = await tempDir()
    const run = (tree: string, threads?: LayerThreads) => {
      const options = {folder, identity: ['one'], limit: 1e9, onNotice: () => {}}
      return withBlockCache(options, (cache) => pack(tree, {jobs: 3, cache, threads}))
    }
    await run(common)
    const {digest} = await run(root, allAtOnce(3))
    expect(workers()).toBe(4)
    expect(digest).toBe((await pack(root, {jobs: 2})).digest)
  })
})

describe('packing in threads', () => {
  it('gives the bytes that one thread gives, however many there are', async () => {
    const root = common
    const one = await pack(root, {jobs: 1})
    expect(digestOf(gunzipSync(one.blob))).toBe(one.content.diffId)
    expect(await hashLayer(pathsOf(root))).toEqual(one.content)
    for (const jobs of [2, 3, 7, 40]) {
      const {digest, content} = await pack(root, {jobs, threads: allAtOnce(jobs)})
      expect({jobs, digest, content}).toEqual({jobs, digest: one.digest, content: one.content})
      await closeStarted()
    }
  })

  it('starts more threads when those before cannot keep up, and not before', async () => {
    const threads = start(4, ownDeflate, 0)
    expect(workers()).toBe(0)
    await drain(threads.pack([...itemsOf(common)].slice(0, 9)))
    // that which reads, and one that compresses
    expect(workers()).toBe(2)
    // the ring is full at some time, for large files are read faster than they are compressed
    for (let run = 0; run < 50 && workers() < 5; run++) await drain(threads.pack(itemsOf(common)))
    expect(workers()).toBe(5)
    const patient = start(4, ownDeflate, 1e9)
    await drain(patient.pack(itemsOf(common)))
    expect(workers()).toBe(5 + 2)
  })

  it('uses the same memory for all pieces, if the caller keeps none of them', async () => {
    const root = common
    const {digest} = await pack(root, {jobs: 3})
    const source = packLayer(pathsOf(root), {jobs: 3})
    const memories = new Set<ArrayBufferLike>()
    const pieces: Buffer[] = []
    for await (const piece of source.open({isTransient: true})) {
      if (piece.length > 100) memories.add(piece.buffer)
      pieces.push(Buffer.from(piece))
    }
    expect(digestOf(Buffer.concat(pieces))).toBe(digest)
    expect(pieces.length).toBeGreaterThan(10)
    expect(memories.size).toBe(1)
  })

  it('reports all bytes of the tar, and in order', async () => {
    const root = common
    const seen: number[] = []
    const {content} = await pack(root, {jobs: 2, onProgress: (bytes) => seen.push(bytes)})
    expect(seen.at(-1)).toBe(content.tarSize)
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
  })

  it('packs one tar after the other with the same threads', async () => {
    const roots = [await tempDir(), await tempDir(), await tempDir()]
    for (const [seed, root] of roots.entries()) makeTree(root, seed)
    const alone = []
    for (const root of roots) alone.push((await pack(root, {jobs: 1})).digest)
    const threads = layerThreads(2)
    const together = []
    for (const root of roots) together.push((await pack(root, {jobs: 2, threads})).digest)
    expect(workers()).toBe(2)
    await threads.close()
    expect(together).toEqual(alone)
  })

  it('packs two tars at once, each in threads of its own', async () => {
    const root = common
    const threads = layerThreads(2)
    const [one, other] = await Promise.all([
      pack(root, {jobs: 2, threads}),
      pack(root, {jobs: 2, threads}),
    ])
    await threads.close()
    expect(other.digest).toBe(one.digest)
  })

  it.each([
    ['changed', (path: string) => writeFileSync(path, 'other content')],
    ['gone', (path: string) => rmSync(path)],
    [
      'another file of the same size and time',
      (path: string) => {
        writeFileSync(`${path}-new`, Buffer.alloc(3 * MiB))
        utimesSync(`${path}-new`, when, when)
        renameSync(`${path}-new`, path)
      },
    ],
    [
      'a directory',
      (path: string) => {
        rmSync(path)
        mkdirSync(path)
      },
    ],
  ])(
    'fails for a file that is %s when it is read, names it, and ends its threads',
    async (_, change) => {
      const root = await tempDir()
      makeTree(root)
      const listed = [...itemsOf(root)]
      change(join(root, 'zeros'))
      const threads = start(2)
      await expect(drain(threads.pack(listed, {}))).rejects.toMatchObject({
        code: 'ERR_INJECT_CHANGED_WHILE_PACKED',
        message: "'zeros' changed while it was packed",
      })
      expect(threads.hasEnded()).toBe(true)
      expect(workers()).toBe(0)
    },
  )

  it('tells of an error of the system, with its number', async () => {
    const root = common
    // looks like a file that is there, and cannot be read
    const items = [...itemsOf(root)].map((item) =>
      item.walked.entry.path === 'zeros' && item.file
        ? {...item, file: {...item.file, path: '/proc/self/mem', stat: stateOf('/proc/self/mem')}}
        : item,
    )
    await expect(drain(start(2).pack(items, {}))).rejects.toMatchObject({
      code: 'ERR_INJECT_LOCAL_IO',
      message: expect.stringContaining('zeros') as string,
    })
  })

  it('fails when the listing fails', async () => {
    const root = common
    const failing = function* (): Generator<EntryItem> {
      let count = 0
      for (const item of itemsOf(root)) {
        if (count++ === 400) throw new Error('the listing broke')
        yield item
      }
    }
    await expect(drain(start(2).pack(failing(), {}))).rejects.toThrow('the listing broke')
  })

  it('fails when a thread dies', async () => {
    const root = common
    // what no system call takes is no error of a file: the thread ends with it
    const items = [...itemsOf(root)].map((item) =>
      item.walked.entry.path === 'zeros' && item.file
        ? {...item, file: {...item.file, path: 'no\0path'}}
        : item,
    )
    await expect(drain(start(3).pack(items, {}))).rejects.toThrow('null bytes')
  })

  it('ends its threads when it is left, and when it is aborted while nobody takes what it makes', async () => {
    const root = common
    for await (const chunk of packLayer(pathsOf(root), {jobs: 3}).open())
      if (chunk.length > 100) break
    expect(workers()).toBe(0)

    const controller = new AbortController()
    const stream = start(2).pack(itemsOf(root), {signal: controller.signal})
    await stream.next()
    controller.abort(new Error('enough'))
    await expect(stream.next()).rejects.toThrow('enough')
    expect(workers()).toBe(0)
  })

  it('is aborted while it waits for a block', async () => {
    const controller = new AbortController()
    const root = await tempDir()
    writeFileSync(join(root, 'one'), 'content')
    const endless = function* (): Generator<EntryItem> {
      const [item] = [...itemsOf(root)]
      if (item) for (;;) yield item
    }
    const stream = start(2).pack(endless(), {signal: controller.signal})
    const all = drain(stream)
    setImmediate(() => controller.abort(new Error('enough')))
    await expect(all).rejects.toThrow('enough')
  })

  it('leaves no file and no directory open', async () => {
    const root = common
    const open = (): string[] =>
      readdirSync('/proc/self/fd').flatMap((descriptor) => {
        try {
          return [readlinkSync(`/proc/self/fd/${descriptor}`)]
        } catch {
          return []
        }
      })
    for await (const chunk of packLayer(pathsOf(root), {jobs: 2}).open())
      if (chunk.length > 100) break
    expect(open().filter((path) => path.startsWith(root))).toEqual([])
  })
})
