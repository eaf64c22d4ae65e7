import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  linkSync,
  lutimesSync,
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
import {describe, expect, it} from 'vitest'
import {lookOf} from '../../../src/layer/tree/layer-look.js'
import type {RememberedLayer} from '../../../src/layer/memory/memory.js'
import {type MemoryFileOptions, openMemoryFile} from '../../../src/layer/memory/memory-file.js'
import {walk, type WalkOptions} from '../../../src/layer/tree/walk.js'
import {digestOf} from '../../../src/oci/digest.js'
import {tempDir} from '../../support/temp-dir.js'
import {setXattr} from '../../support/xattr.js'

const layer = (text: string): RememberedLayer => ({
  diffId: digestOf(Buffer.from(text)),
  tarSize: 1024,
  entries: 3,
  newestMtime: 1_700_000_000,
})
const packed = layer('layer')
/** A time after which nothing was touched. */
const never = 2n ** 62n

/** A tree, and memories of it; `rest` of their options. */
async function start() {
  const folder = await tempDir()
  const tree = join(folder, 'tree')
  mkdirSync(join(tree, 'sub'), {recursive: true})
  writeFileSync(join(tree, 'sub/file'), 'content')
  writeFileSync(join(tree, 'other'), 'other content')
  symlinkSync('target', join(tree, 'link'))
  linkSync(join(tree, 'other'), join(tree, 'same'))
  const cache = join(folder, 'cache/trees')
  const open = async (rest: Partial<MemoryFileOptions & {slot: string}> = {}) => {
    const {slot = 'cvmfs', ...options} = rest
    const later = () => Date.now() + 3_600_000
    const place = {directory: tree, slot}
    const memory = await openMemoryFile(place, {folder: cache, now: later, ...options})
    if (!memory) throw new Error('no memory')
    return memory
  }
  const look = (options: Partial<WalkOptions> = {}) =>
    lookOf(walk(tree, {path: '/', detail: 'states', ...options}))
  const remember = async (before = never) => {
    const memory = await open()
    memory.remember(look(), packed, before)
    await memory.save()
  }
  const recall = async () => (await open()).recall(look())
  return {folder, tree, cache, open, look, remember, recall}
}

describe('the memory of layers', () => {
  it('knows one that nobody touched, for its slot, and no other', async () => {
    const {open, look, remember, recall} = await start()
    expect((await open()).isEmpty).toBe(true)
    expect(await recall()).toBeUndefined()
    await remember()
    expect((await open()).isEmpty).toBe(false)
    expect(await recall()).toEqual(packed)
    expect((await open({slot: 'other'})).recall(look())).toBeUndefined()
  })

  const touches: Record<string, (tree: string) => unknown> = {
    'a file has other content of the same size, and its old mtime': (tree) => {
      const {atime, mtime} = statSync(join(tree, 'sub/file'))
      writeFileSync(join(tree, 'sub/file'), 'CONTENT')
      utimesSync(join(tree, 'sub/file'), atime, mtime)
    },
    'a file is longer': (tree) => writeFileSync(join(tree, 'sub/file'), 'longer content'),
    'a file is replaced by one of the same size and time': (tree) => {
      const {atime, mtime} = statSync(join(tree, 'sub/file'))
      writeFileSync(join(tree, 'new'), 'CONTENT')
      utimesSync(join(tree, 'new'), atime, mtime)
      renameSync(join(tree, 'new'), join(tree, 'sub/file'))
    },
    'a file is set back in time': (tree) => utimesSync(join(tree, 'sub/file'), 1, 1),
    'a file is gone': (tree) => rmSync(join(tree, 'sub/file')),
    'a file is new': (tree) => writeFileSync(join(tree, 'sub/empty'), ''),
    'a file has another mode': (tree) => chmodSync(join(tree, 'sub/file'), 0o600),
    'a directory has another mode': (tree) => chmodSync(join(tree, 'sub'), 0o700),
    'a directory has another time': (tree) => utimesSync(join(tree, 'sub'), 1, 1),
    'a symlink has another time': (tree) => lutimesSync(join(tree, 'link'), 1, 1),
    'a file has another attribute': (tree) =>
      setXattr(join(tree, 'sub/file'), 'user.note', Buffer.from('x')),
    'a directory has another attribute': (tree) =>
      setXattr(join(tree, 'sub'), 'user.note', Buffer.from('x')),
    'a file has another name': (tree) => renameSync(join(tree, 'other'), join(tree, 'another')),
    'a symlink has another target': (tree) => {
      rmSync(join(tree, 'link'))
      symlinkSync('targes', join(tree, 'link'))
    },
    'a hard link is a copy': (tree) => {
      rmSync(join(tree, 'same'))
      writeFileSync(join(tree, 'same'), 'other content')
    },
    'it is a copy with all times': (tree) => {
      cpSync(tree, `${tree}2`, {recursive: true, preserveTimestamps: true})
      rmSync(tree, {recursive: true})
      renameSync(`${tree}2`, tree)
    },
  }
  for (const [title, touch] of Object.entries(touches)) {
    it(`does not know it when ${title}`, async () => {
      const {tree, look, remember, recall} = await start()
      await remember()
      expect(await recall()).toEqual(packed)
      const {touched} = look()
      // the clock of the file system has to go on, or it would not tell
      while (statSync(tree, {bigint: true}).ctimeNs <= touched) chmodSync(tree, 0o755)
      await touch(tree)
      expect(await recall()).toBeUndefined()
    })
  }

  it.runIf(process.getuid?.() === 0)('does not know it when a file has another owner', async () => {
    const {tree, remember, recall} = await start()
    await remember()
    chownSync(join(tree, 'sub/file'), 1234, 1234)
    expect(await recall()).toBeUndefined()
  })

  it('knows it when only what the layer does not hold differs: the size of a directory', async () => {
    const {tree, remember, recall} = await start()
    utimesSync(join(tree, 'sub'), 1, 1)
    await remember()
    writeFileSync(join(tree, 'sub/more'), '')
    rmSync(join(tree, 'sub/more'))
    utimesSync(join(tree, 'sub'), 1, 1)
    expect(await recall()).toEqual(packed)
  })

  it('flags that change an entry change the look, and others do not', async () => {
    const {look} = await start()
    const {digest} = look()
    const flags: Partial<WalkOptions>[] = [
      {path: '/opt'},
      {owner: {uid: 7, gid: 7}},
      {chmod: [{classes: 0o7777, action: '=', bits: 0o700, maybeExecute: 0}]},
      {clampMtime: 1_000_000_000},
      {isExcluded: (path) => path === 'sub/file'},
    ]
    for (const each of flags) expect(look(each).digest).not.toBe(digest)
    const none: Partial<WalkOptions>[] = [
      {whiteouts: true},
      {clampMtime: 9_000_000_000},
      {isExcluded: () => false},
      {detail: 'metadata'},
      {detail: 'content'},
    ]
    for (const each of none) expect(look(each).digest).toBe(digest)
  })

  it('does not remember what was touched too late to see whether it is touched again', async () => {
    const {look, remember, recall} = await start()
    await remember(look().touched)
    expect(await recall()).toBeUndefined()
    await remember(look().touched + 1n)
    expect(await recall()).toEqual(packed)
  })

  it('does not believe a state of the future: somebody set the clock back', async () => {
    const {open, look, remember} = await start()
    await remember()
    const past = await open({now: () => Date.now() - 3_600_000})
    expect(past.recall(look())).toBeUndefined()
  })

  it('believes no file system that it does not know, and no clock of whole seconds', async () => {
    const {tree, open, look, remember} = await start()
    await remember()
    expect((await open()).recall({...look(), isReliable: false})).toBeUndefined()
    expect(look().isReliable).toBe(true)
    const proc = walk('/proc/sys/kernel/random', {path: '/', detail: 'names'})
    expect(lookOf(proc).isReliable).toBe(false)
    const coarse = [...walk(tree, {path: '/', detail: 'states'})].map((walked) => {
      const {entry, file} = walked
      if (!file) return walked
      const ctimeNs = file.stat.ctimeNs - (file.stat.ctimeNs % 1_000_000_000n)
      return {entry, file: {...file, stat: {...file.stat, ctimeNs}}}
    })
    expect(lookOf(coarse).isReliable).toBe(false)
  })

  it('recalls nothing when all is to be verified, and remembers it all the same', async () => {
    const {open, look, remember, recall} = await start()
    await remember()
    const memory = await open({verify: true})
    expect(memory.isEmpty).toBe(true)
    expect(memory.recall(look())).toBeUndefined()
    memory.remember(look(), layer('verified'), never)
    await memory.save()
    expect(await recall()).toEqual(layer('verified'))
  })

  it('believes no file that it did not write', async () => {
    const {cache, remember, recall} = await start()
    await remember()
    const [name = ''] = readdirSync(cache)
    const path = join(cache, name)
    const text = readFileSync(path, 'utf8')
    const [, json = ''] = text.split('\n')
    for (const other of [
      '',
      '{',
      json,
      `${text.slice(0, -1)} `,
      text.replace('sha256:', 'sha256;'),
      text.replace('1024', '1025'),
      text + ' '.repeat(300_000),
      Buffer.alloc(text.length),
    ]) {
      writeFileSync(path, other)
      expect(await recall()).toBeUndefined()
    }
    writeFileSync(path, text)
    expect(await recall()).toEqual(packed)
  })

  it.runIf(process.getuid?.() === 0)('believes no file and no folder of another user', async () => {
    const {cache, remember, recall} = await start()
    await remember()
    const path = join(cache, readdirSync(cache)[0] ?? '')
    chownSync(path, 1234, 1234)
    expect(await recall()).toBeUndefined()
    chownSync(path, 0, 0)
    expect(await recall()).toEqual(packed)
    chmodSync(join(cache, '..'), 0o777)
    expect(await openMemoryFile({directory: '/', slot: 'x'}, {folder: cache, now: Date.now})).toBe(
      undefined,
    )
  })

  it('is of one directory: another one in its place has its own', async () => {
    const {tree, open, remember} = await start()
    await remember()
    renameSync(tree, `${tree}-aside`)
    mkdirSync(tree)
    expect((await open()).isEmpty).toBe(true)
    rmSync(tree, {recursive: true})
    renameSync(`${tree}-aside`, tree)
    expect((await open()).isEmpty).toBe(false)
  })

  it('two at once: one of the two is kept, whole', async () => {
    const {open, look, cache} = await start()
    const both = [await open(), await open()]
    for (const [at, memory] of both.entries()) memory.remember(look(), layer(`${at}`), never)
    await Promise.all(both.map((memory) => memory.save()))
    const kept = (await open()).recall(look())
    expect([layer('0'), layer('1')]).toContainEqual(kept)
    expect(readdirSync(cache)).toHaveLength(1)
  })

  it('keeps so many layers and files, those that were used last', async () => {
    const {open, cache, look, remember, recall} = await start()
    await remember()
    const memory = await open()
    expect(memory.recall(look())).toEqual(packed)
    for (let i = 0; i < 600; i++)
      memory.remember({...look(), digest: `${i}`.padStart(64, '0')}, layer(`${i}`), never)
    await memory.save()
    expect(await recall()).toEqual(packed)
    const size = statSync(join(cache, readdirSync(cache)[0] ?? '')).size
    expect(size).toBeLessThan(256 * 1024)
    for (let i = 0; i < 250; i++)
      writeFileSync(join(cache, `${i}`.padStart(32, '0') + '.json'), 'old')
    for (const name of readdirSync(cache))
      if (name.startsWith('000')) utimesSync(join(cache, name), 1, 1)
    await remember()
    const more = await open({slot: 'more'})
    more.remember(look(), packed, never)
    await more.save()
    expect(readdirSync(cache)).toHaveLength(200)
    expect(await recall()).toEqual(packed)
  })

  it('makes and changes nothing unless it is saved: a dry run only looks', async () => {
    const {cache, remember, recall} = await start()
    await recall()
    expect(existsSync(join(cache, '..'))).toBe(false)
    mkdirSync(cache, {recursive: true, mode: 0o755})
    await recall()
    expect(statSync(cache).mode & 0o777).toBe(0o755)
    await remember()
    expect(statSync(cache).mode & 0o777).toBe(0o700)
    expect(await recall()).toEqual(packed)
  })

  it('is absent where it cannot be kept, or there is no directory', async () => {
    const folder = await tempDir()
    const file = join(folder, 'file')
    writeFileSync(file, '')
    const now = () => Date.now()
    const place = {directory: folder, slot: 'cvmfs'}
    expect(await openMemoryFile(place, {folder: join(file, 'trees'), now})).toBeUndefined()
    const gone = {...place, directory: join(folder, 'gone')}
    expect(await openMemoryFile(gone, {folder: join(folder, 'trees'), now})).toBeUndefined()
  })

  it('a version of the look belongs to the bytes of a tar: raise it when these change', () => {
    const golden = JSON.parse(
      readFileSync(new URL('../../golden/layer.json', import.meta.url), 'utf8'),
    ) as {diffId: string}
    const source = readFileSync('src/layer/tree/layer-look.ts', 'utf8')
    const version = /const tarVersion = (\d+)/.exec(source)?.[1]
    expect([version, golden.diffId.slice(0, 15)]).toEqual(['1', 'sha256:e2ada7b6'])
  })

  it('keeps the last walk for its key, whole and of this directory, and no other', async () => {
    const {tree, cache, open, look} = await start()
    const [walk, other] = [Buffer.from('a walk'), Buffer.from('another walk')]
    const remember = async (key: string, bytes: Uint8Array | undefined) => {
      const memory = await open()
      memory.remember(look(), packed, never)
      memory.rememberWalk(key, () => bytes && [bytes])
      await memory.save()
    }
    const recall = async (key: string) => (await open()).recallWalk(key)
    expect(await recall('key')).toBeUndefined()
    await remember('key', walk)
    await remember('key', undefined)
    expect(await recall('key')).toEqual(walk)
    // threads look at what is in it
    expect((await recall('key'))?.buffer).toBeInstanceOf(SharedArrayBuffer)
    expect(await recall('other')).toBeUndefined()
    await remember('other', other)
    expect(await recall('other')).toEqual(other)
    expect(await recall('key')).toBeUndefined()
    expect((await open({verify: true})).keepsWalks).toBe(false)
    renameSync(tree, `${tree}-before`)
    mkdirSync(tree)
    expect(await recall('other')).toBeUndefined()
    rmSync(tree, {recursive: true})
    renameSync(`${tree}-before`, tree)
    const [file = ''] = readdirSync(cache).filter((name) => name.endsWith('.walk'))
    const bytes = readFileSync(join(cache, file))
    writeFileSync(join(cache, file), bytes.fill(0, bytes.length - 1))
    expect(await recall('other')).toBeUndefined()
  })
})
