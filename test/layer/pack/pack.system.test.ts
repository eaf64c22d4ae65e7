import {execa} from 'execa'
import fc from 'fast-check'
import {
  appendFileSync,
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import {join} from 'node:path'
import {gunzipSync} from 'node:zlib'
import {describe, expect, it} from 'vitest'
import {digestOf} from '../../../src/oci/digest.js'
import {hashLayer} from '../../../src/layer/pack/hash-layer.js'
import {packLayer} from '../../../src/layer/pack/pack.js'
import {gzipBlocks} from '../../../src/layer/compress/blocks.js'
import {writeTar} from '../../../src/layer/pack/blocks/write-tar.js'
import {walk} from '../../../src/layer/tree/walk.js'
import type {WalkedEntry} from '../../../src/layer/tree/walked-entry.js'
import {tempDir} from '../../support/temp-dir.js'
import {runs} from '../../support/property-runs.js'

const when = new Date('2026-01-02T03:04:05Z')

/**
 * A tree with every kind of thing that needs no privilege, and times that do not depend on when the
 * test runs.
 */
function makeTree(root: string): void {
  mkdirSync(join(root, 'cvmfs/sub'), {recursive: true})
  writeFileSync(join(root, 'cvmfs/large'), Buffer.alloc(3 * 1024 * 1024 + 17, 'inject '))
  writeFileSync(join(root, 'cvmfs/empty'), '')
  writeFileSync(join(root, 'cvmfs/run'), '#!/bin/sh\n', {mode: 0o755})
  linkSync(join(root, 'cvmfs/run'), join(root, 'cvmfs/sub/same'))
  symlinkSync('../large', join(root, 'cvmfs/sub/link'))
  for (const path of ['cvmfs/large', 'cvmfs/empty', 'cvmfs/run', 'cvmfs/sub', 'cvmfs'])
    utimesSync(join(root, path), when, when)
  chmodSync(join(root, 'cvmfs'), 0o755)
  chmodSync(join(root, 'cvmfs/sub'), 0o2775)
}

const pathsOf = (root: string) => () =>
  walk(root, {path: '/', owner: {uid: 0, gid: 0}, clampMtime: when.getTime() / 1000})

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

describe('packLayer', () => {
  it('gives one gzip member whose tar GNU tar extracts to the same tree', async () => {
    const root = await tempDir()
    const out = await tempDir()
    makeTree(root)
    const source = packLayer(pathsOf(root))
    const blob = await collect(source.open())
    const tar = gunzipSync(blob)
    expect(source.content()).toMatchObject({
      diffId: digestOf(tar),
      tarSize: tar.length,
      entries: 7,
      newestMtime: when.getTime() / 1000,
    })
    await execa('tar', ['-xpf', '-', '-C', out], {input: tar})
    const {stdout} = await execa('diff', ['-r', '--no-dereference', root, out], {reject: false})
    expect(stdout).toBe('')
    const list = async (folder: string) =>
      (
        await execa('find', ['cvmfs', '-printf', String.raw`%p %y %m %n %Ts %l\n`], {cwd: folder})
      ).stdout
        .split('\n')
        .sort()
    expect(await list(out)).toEqual(
      (await list(root)).map((line) =>
        line.includes(' l ') ? line.replace(/\d{10}/, String(when.getTime() / 1000)) : line,
      ),
    )
  })

  it('gives the golden digests: the format changes only on purpose', async () => {
    const root = await tempDir()
    makeTree(root)
    const source = packLayer(pathsOf(root))
    const blob = await collect(source.open())
    const golden = JSON.parse(
      readFileSync(new URL('../../golden/layer.json', import.meta.url), 'utf8'),
    ) as object
    expect({diffId: source.content().diffId, digest: digestOf(blob), size: blob.length}).toEqual(
      golden,
    )
  })

  it.each(['zstd', 'none'] as const)(
    'gives the golden digests with %s, too',
    async (compression) => {
      const root = await tempDir()
      makeTree(root)
      const source = packLayer(pathsOf(root), {compression})
      const blob = await collect(source.open())
      const golden = JSON.parse(
        readFileSync(new URL('../../golden/compression.json', import.meta.url), 'utf8'),
      ) as Record<string, object>
      expect({diffId: source.content().diffId, digest: digestOf(blob), size: blob.length}).toEqual(
        golden[compression],
      )
      expect(await hashLayer(pathsOf(root))).toEqual(source.content())
    },
  )

  it('gives blocks of a plain tar that nobody writes to again', async () => {
    const root = await tempDir()
    writeFileSync(join(root, 'large'), Buffer.alloc(3 << 20, 'abc'))
    const source = packLayer(pathsOf(root), {compression: 'none'})
    expect(digestOf(await collect(source.open()))).toBe(source.content().diffId)
  })

  it('P2 gives equal bytes for equal content, whatever the order of creation, the umask, the path and the time of reading', async () => {
    const shapes = fc.uniqueArray(
      fc.record({name: fc.stringMatching(/^[a-z]{1,3}$/), content: fc.string()}),
      {selector: ({name}) => name, maxLength: 8},
    )
    await fc.assert(
      fc.asyncProperty(shapes, fc.infiniteStream(fc.nat()), async (files, order) => {
        const make = async (list: typeof files) => {
          const root = await tempDir()
          for (const {name, content} of list) {
            writeFileSync(join(root, name), content)
            chmodSync(join(root, name), 0o644)
            utimesSync(join(root, name), new Date(), when)
          }
          return (await hashLayer(pathsOf(root)))?.diffId
        }
        const keyed = files.map((file) => ({file, key: Number(order.next().value)}))
        const shuffled = keyed.sort((a, b) => a.key - b.key).map(({file}) => file)
        expect(await make(files)).toBe(await make(shuffled))
      }),
      {numRuns: runs(0.15)},
    )
  })

  it('can be opened again, and hashing gives what packing gives', async () => {
    const root = await tempDir()
    makeTree(root)
    const source = packLayer(pathsOf(root))
    expect(() => source.content()).toThrow('has not been read')
    const first = await collect(source.open())
    expect(Buffer.compare(first, await collect(source.open()))).toBe(0)
    expect(await hashLayer(pathsOf(root))).toEqual(source.content())
  })

  it('stops hashing once the tar exceeds what it could be', async () => {
    const root = await tempDir()
    makeTree(root)
    expect(await hashLayer(pathsOf(root), {limit: 1024 * 1024})).toBeUndefined()
  })

  it('is an empty tar for an empty directory', async () => {
    const root = await tempDir()
    const source = packLayer(pathsOf(root))
    expect(gunzipSync(await collect(source.open()))).toEqual(Buffer.alloc(1024))
    expect(source.content()).toMatchObject({entries: 0, newestMtime: 0})
  })

  it('stops at once when aborted or abandoned', async () => {
    const root = await tempDir()
    writeFileSync(join(root, 'large'), Buffer.alloc(30 * 1024 * 1024))
    const controller = new AbortController()
    const aborted = (async () => {
      for await (const chunk of packLayer(pathsOf(root)).open({signal: controller.signal}))
        if (chunk.length > 100) controller.abort()
    })()
    await expect(aborted).rejects.toThrow('aborted')
    for await (const chunk of packLayer(pathsOf(root)).open()) if (chunk.length > 100) break
    for (const compression of ['zstd', 'none'] as const) {
      const open = (signal?: AbortSignal) => packLayer(pathsOf(root), {compression}).open({signal})
      for await (const chunk of open()) if (chunk.length > 0) break
      await expect(collect(open(AbortSignal.abort()))).rejects.toThrow('aborted')
    }
    await expect(hashLayer(pathsOf(root), {signal: AbortSignal.abort()})).rejects.toThrow('aborted')
  })
})

const allocate = (length: number): Buffer => Buffer.alloc(length)
/** Blocks of this size at most. */
const blocksOf = (size: number) => ({least: size / 4, apart: size / 2, most: size, large: size})

describe('blocks', () => {
  /** The blocks of a tar, by their digests. */
  const blocksAt = (root: string): string[] =>
    [...writeTar(walk(root, {path: '/'}), gzipBlocks, allocate)].map((block) => digestOf(block))
  const fileAt = (root: string, i: number): string => join(root, `d${i % 20}`, `file${i}`)

  it('are the same but for a few when files change, come and go', async () => {
    const root = await tempDir()
    for (let d = 0; d < 20; d++) mkdirSync(join(root, `d${d}`))
    for (let i = 0; i < 2000; i++)
      writeFileSync(fileAt(root, i), Buffer.alloc((i * 7919) % 20_000, `${i} `))
    writeFileSync(join(root, 'large'), Buffer.alloc(3_000_000, 'large '))
    const before = blocksAt(root)
    expect(before.length).toBeGreaterThan(60)
    writeFileSync(fileAt(root, 3), 'shorter')
    writeFileSync(fileAt(root, 1234), Buffer.alloc(400_000, 'longer '))
    rmSync(fileAt(root, 555))
    writeFileSync(join(root, 'd7', 'new'), 'new')
    const kept = new Set(before)
    const changed = blocksAt(root).filter((block) => !kept.has(block))
    // of four changes, and of the directories that hold them
    expect(changed.length).toBeLessThan(20)
  })

  it('never tear a small file, and give a large one blocks of its own', async () => {
    const root = await tempDir()
    const sizes = [10, 300_000, 200_000, 400_000, 5, 600_000, 2_500_000, 7, 8]
    sizes.forEach((size, at) => writeFileSync(join(root, `${at}`), Buffer.alloc(size)))
    const lengths = [...writeTar(walk(root, {path: '/'}), gzipBlocks, allocate)].map(
      ({length}) => length,
    )
    expect(lengths.every((length) => length <= gzipBlocks.large)).toBe(true)
    expect(lengths.filter((length) => length === gzipBlocks.large)).toHaveLength(2)
    expect(lengths.reduce((sum, length) => sum + length, 0) % 512).toBe(0)
  })
})

describe('writeTar', () => {
  const changes: Record<string, (path: string) => void> = {
    'D19 grows': (path) => appendFileSync(path, 'x'),
    'T-04 D19 shrinks': (path) => truncateSync(path, 10),
    'D19 is emptied': (path) => truncateSync(path, 0),
    'D19 vanishes': (path) => rmSync(path),
    'D19 is rewritten at the same size': (path) => writeFileSync(path, Buffer.alloc(2000, 'y')),
    'D19 becomes a directory': (path) => {
      rmSync(path)
      mkdirSync(path)
    },
    'D19 becomes a symlink': (path) => {
      rmSync(path)
      symlinkSync('/etc/passwd', path)
    },
    'D19 is replaced by another file': (path) => {
      rmSync(path)
      writeFileSync(path, Buffer.alloc(2000, 'x'))
    },
    'D19 gets another mode': (path) => chmodSync(path, 0o600),
  }
  for (const [title, change] of Object.entries(changes)) {
    it(`T-90 fails when a file ${title.replace(/^.*D19 /, '')} between listing and reading (${title})`, async () => {
      const root = await tempDir()
      const path = join(root, 'file')
      writeFileSync(path, Buffer.alloc(2000, 'x'))
      const listed = [...walk(root, {path: '/'})]
      change(path)
      expect(() => [...writeTar(listed, gzipBlocks, allocate)]).toThrow(
        expect.objectContaining({
          code: 'ERR_INJECT_CHANGED_WHILE_PACKED',
          message: "'file' changed while it was packed",
        }),
      )
    })
  }

  it('T-90 does not wait for a FIFO that took the place of a file', async () => {
    const root = await tempDir()
    const path = join(root, 'file')
    writeFileSync(path, 'content')
    const listed = [...walk(root, {path: '/'})]
    rmSync(path)
    await execa('mkfifo', [path])
    expect(() => [...writeTar(listed, blocksOf(1024), allocate)]).toThrow(
      'changed while it was packed',
    )
  })

  it('D9 fails for a file that holds more than its size says, as in /proc', () => {
    const stat = lstatSync('/proc/self/status', {bigint: true})
    const entry = {
      kind: 'file',
      path: 'x',
      size: 0,
      mode: 0,
      uid: 0,
      gid: 0,
      mtime: 0,
      xattrs: undefined,
    } as const
    expect(stat.size).toBe(0n)
    expect(() => [
      ...writeTar([{entry, file: {path: '/proc/self/status', stat}}], gzipBlocks, allocate),
    ]).toThrow('changed')
  })

  it('cuts the same bytes anywhere (P13)', async () => {
    const root = await tempDir()
    makeTree(root)
    const tarOf = (size: number) =>
      Buffer.concat([...writeTar(walk(root, {path: '/'}), blocksOf(size), allocate)])
    const whole = tarOf(8 * 1024 * 1024)
    for (const size of [512, 1024, 4096, 1024 * 1024])
      expect(Buffer.compare(tarOf(size), whole)).toBe(0)
    const rule = blocksOf(4096)
    const blocks = [...writeTar(walk(root, {path: '/'}), rule, allocate)]
    expect(blocks.every(({length}) => length > 0 && length <= 4096)).toBe(true)
  })

  it('P13 writes files of every size around a chunk', async () => {
    const root = await tempDir()
    const sizes = [0, 1, 511, 512, 513, 1023, 1024, 1025, 2047, 2048, 2049, 4096]
    sizes.forEach((size, index) =>
      writeFileSync(join(root, `f${String(index).padStart(2, '0')}`), Buffer.alloc(size, 'z')),
    )
    const tar = Buffer.concat([
      ...writeTar(walk(root, {path: '/'}), blocksOf(2048), (length) =>
        Buffer.alloc(length, 'dirt'),
      ),
    ])
    const out = await tempDir()
    await execa('tar', ['-xf', '-', '-C', out], {input: tar})
    expect((await execa('diff', ['-r', root, out])).stdout).toBe('')
    expect(tar.subarray(-1024).every((byte) => byte === 0)).toBe(true)
  })

  it('closes what it opened when the consumer stops', async () => {
    const root = await tempDir()
    writeFileSync(join(root, 'a'), Buffer.alloc(4096))
    const entries: Iterable<WalkedEntry> = walk(root, {path: '/'})
    const tar = writeTar(entries, blocksOf(1024), allocate)
    tar.next()
    tar.return(undefined)
    expect([...entries]).toEqual([])
  })
})
