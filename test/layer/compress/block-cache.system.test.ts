import {randomFillSync} from 'node:crypto'
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {createBlockAccess} from '../../../src/layer/compress/block-access.js'
import type {BlockCache} from '../../../src/layer/compress/block-cache.js'
import {
  type BlockCacheOptions,
  withBlockCache,
} from '../../../src/layer/compress/block-cache-file.js'
import {packLayer} from '../../../src/layer/pack/pack.js'
import {walk} from '../../../src/layer/tree/walk.js'
import {collect} from '../../support/open-registry.js'
import {tempDir} from '../../support/temp-dir.js'

const limit = 1_000_000_000

async function start(options: Partial<BlockCacheOptions> = {}) {
  const folder = join(await tempDir(), 'cache/blocks')
  const notices: string[] = []
  const onNotice = (text: string): void => void notices.push(text)
  const all = {folder, identity: ['one'], limit, onNotice, ...options}
  const run = <T>(work: (cache: BlockCache | undefined) => Promise<T>, more = {}): Promise<T> =>
    withBlockCache({...all, ...more}, work)
  const files = (): string[] => readdirSync(folder).sort()
  return {folder, notices, run, files}
}

/** A tree of many small files, and its layer with a cache that counts what was found in it. */
async function startTree() {
  const tree = join(await tempDir(), 'tree')
  mkdirSync(tree)
  for (let i = 0; i < 1200; i++)
    writeFileSync(join(tree, `file${i}`), Buffer.alloc(10_000 + 7 * i, `${i} `))
  writeFileSync(join(tree, 'noise'), randomFillSync(new Uint8Array(300_000)))
  const pack = async (cache: BlockCache | undefined, compression: 'gzip' | 'zstd', level = 1) => {
    let found = 0
    let asked = 0
    const counted = cache && {
      ...cache,
      get: (key: Buffer) => {
        asked++
        const bytes = cache.get(key)
        if (bytes) found++
        return bytes
      },
    }
    const options = {compression, level, cache: counted, jobs: 1}
    const source = packLayer(() => walk(tree, {path: '/'}), options)
    return {bytes: await collect(source.open()), found, asked}
  }
  return {tree, pack}
}

const key = (name: string): Buffer => Buffer.from(name.padEnd(33, '.'))
const bytes = Buffer.from('compressed bytes')

describe('a cache of blocks', () => {
  it.each(['gzip', 'zstd'] as const)(
    'changes no byte of a layer with %s, and saves work',
    async (compression) => {
      const {run, files} = await start()
      const {tree, pack} = await startTree()
      const without = await pack(undefined, compression)
      const cold = await run((cache) => pack(cache, compression))
      const warm = await run((cache) => pack(cache, compression))
      expect([cold.bytes, warm.bytes]).toEqual([without.bytes, without.bytes])
      expect([cold.found, warm.found]).toEqual([0, warm.asked])
      writeFileSync(join(tree, 'file17'), 'other')
      const changed = await run((cache) => pack(cache, compression))
      expect(changed.found).toBeGreaterThan(0)
      expect(changed.found).toBeLessThan(changed.asked)
      expect(changed.bytes).toEqual((await pack(undefined, compression)).bytes)
      expect(files()).toHaveLength(1)
    },
  )

  it('knows levels and formats apart', async () => {
    const {run} = await start()
    const {pack} = await startTree()
    await run((cache) => pack(cache, 'gzip', 1))
    expect(await run((cache) => pack(cache, 'gzip', 9))).toMatchObject({found: 0})
    expect(await run((cache) => pack(cache, 'zstd'))).toMatchObject({found: 0})
  })

  it('finds what another directory left, and keeps that too', async () => {
    const {run, files} = await start()
    await run((cache) => Promise.resolve(cache?.put(key('a'), bytes)))
    const found = await run((cache) => Promise.resolve(cache?.get(key('a'))), {identity: ['two']})
    expect(found).toEqual(bytes)
    expect(files()).toHaveLength(2)
  })

  it('keeps what the last run used, and nothing of one that failed', async () => {
    const {run, files} = await start()
    await run((cache) => {
      for (const name of ['a', 'b']) cache?.put(key(name), bytes)
      return Promise.resolve()
    })
    const failed = run((cache) => {
      cache?.put(key('c'), bytes)
      return Promise.reject(new Error('failed'))
    })
    await expect(failed).rejects.toThrow('failed')
    await run((cache) => Promise.resolve(cache?.get(key('b'))))
    const kept = await run((cache) =>
      Promise.resolve(['a', 'b', 'c'].map((name) => cache?.get(key(name))?.length)),
    )
    expect(kept).toEqual([undefined, bytes.length, undefined])
    expect(files()).toHaveLength(1)
  })

  it('takes no more room than it may: the oldest go', async () => {
    const {folder, run, files} = await start({limit: 3000})
    for (const [at, name] of ['a', 'b', 'c'].entries()) {
      await run((cache) => Promise.resolve(cache?.put(key(name), Buffer.alloc(1200))), {
        identity: [name],
      })
      for (const file of files()) {
        const {mtimeMs} = statSync(join(folder, file))
        utimesSync(join(folder, file), mtimeMs / 1000 - 10, mtimeMs / 1000 - 10 + at)
      }
    }
    expect(files()).toHaveLength(2)
    const left = await run((cache) =>
      Promise.resolve(['a', 'b', 'c'].map((name) => cache?.get(key(name)) !== undefined)),
    )
    expect(left).toEqual([false, true, true])
  })

  it('what is too large by itself goes, and leaves the others alone', async () => {
    const {run, files} = await start({limit: 3000})
    await run((cache) => Promise.resolve(cache?.put(key('a'), Buffer.alloc(1200))), {
      identity: ['a'],
    })
    const before = files()
    await run((cache) => Promise.resolve(cache?.put(key('b'), Buffer.alloc(5000))), {
      identity: ['b'],
    })
    expect(files()).toEqual(before)
  })

  it('is not trusted: a byte that changed is a block that is not there', async () => {
    const {folder, run, files} = await start()
    const put = () =>
      run((cache) => {
        for (const name of ['a', 'b']) cache?.put(key(name), Buffer.alloc(100, name))
        return Promise.resolve()
      })
    await put()
    const path = join(folder, files()[0] ?? '')
    const whole = readFileSync(path)
    for (let at = 0; at < whole.length; at += 7) {
      const spoilt = Buffer.from(whole)
      spoilt[at] = (spoilt[at] ?? 0) ^ 1
      writeFileSync(path, spoilt)
      const found = await run((cache) =>
        Promise.resolve([cache?.get(key('a')), cache?.get(key('b'))]),
      )
      for (const [index, name] of ['a', 'b'].entries())
        expect([undefined, Buffer.alloc(100, name).toString()]).toContain(found[index]?.toString())
      expect(found.every((each) => each !== undefined)).toBe(false)
      writeFileSync(path, whole)
    }
    for (const size of [0, 10, whole.length - 1]) {
      writeFileSync(path, whole.subarray(0, size))
      expect(await run((cache) => Promise.resolve(cache?.get(key('a'))))).toBeUndefined()
    }
  })

  it('reads no file that others may write, and none behind a symlink', async () => {
    const {folder, run, files} = await start()
    await run((cache) => Promise.resolve(cache?.put(key('a'), bytes)))
    const [name = ''] = files()
    chmodSync(join(folder, name), 0o666)
    const get = () => run((cache) => Promise.resolve(cache?.get(key('a'))), {identity: ['other']})
    expect(await get()).toBeUndefined()
    chmodSync(join(folder, name), 0o600)
    expect(await get()).toEqual(bytes)
    symlinkSync(join(folder, name), join(folder, `${'0'.repeat(32)}.blocks`))
    expect(await get()).toEqual(bytes)
  })

  it('adds to the file of the last run, and writes nothing when all was known', async () => {
    const {folder, run, files} = await start()
    const large = ['a', 'b', 'c'].map((name) => ({name, made: Buffer.alloc(50_000, name)}))
    await run((cache) => {
      for (const {name, made} of large) cache?.put(key(name), made)
      return Promise.resolve()
    })
    const path = join(folder, files()[0] ?? '')
    const before = {inode: statSync(path).ino, bytes: readFileSync(path)}
    const getAll = (cache: BlockCache | undefined) =>
      large.map(({name}) => cache?.get(key(name))?.length)
    utimesSync(path, 1000, 1000)
    await run((cache) => Promise.resolve(getAll(cache)))
    expect(readFileSync(path).equals(before.bytes)).toBe(true)
    expect(statSync(path).mtimeMs).toBeGreaterThan(1_000_000)
    await run((cache) => {
      cache?.get(key('a'))
      cache?.get(key('c'))
      cache?.put(key('d'), Buffer.alloc(1000, 'd'))
      return Promise.resolve()
    })
    const after = readFileSync(path)
    expect(statSync(path).ino).toBe(before.inode)
    expect(after.subarray(50, before.bytes.length).equals(before.bytes.subarray(50))).toBe(true)
    expect(after.length).toBeLessThan(before.bytes.length + 1500)
    const kept = await run((cache) =>
      Promise.resolve(['a', 'b', 'c', 'd'].map((name) => cache?.get(key(name))?.[0])),
    )
    expect(kept).toEqual([97, undefined, 99, 100])
    expect(files()).toHaveLength(1)
  })

  it('writes the file again from scratch when less than half of it would be of use', async () => {
    const {folder, run, files} = await start()
    await run((cache) => {
      for (const name of ['a', 'b', 'c']) cache?.put(key(name), Buffer.alloc(50_000, name))
      return Promise.resolve()
    })
    const path = join(folder, files()[0] ?? '')
    const {ino} = statSync(path)
    await run((cache) => {
      cache?.get(key('b'))
      cache?.put(key('d'), Buffer.alloc(1000, 'd'))
      return Promise.resolve()
    })
    expect(statSync(path).ino).not.toBe(ino)
    expect(statSync(path).size).toBeLessThan(51_500)
    const kept = await run((cache) =>
      Promise.resolve(['a', 'b', 'c', 'd'].map((name) => cache?.get(key(name))?.[0])),
    )
    expect(kept).toEqual([undefined, 98, undefined, 100])
  })

  it('a torn end is not used, and written over', async () => {
    const {folder, run, files} = await start()
    const put = (name: string) =>
      run((cache) => {
        for (const known of ['a', 'b']) cache?.get(key(known))
        cache?.put(key(name), Buffer.alloc(5000, name))
        return Promise.resolve()
      })
    await put('a')
    const path = join(folder, files()[0] ?? '')
    const header = readFileSync(path).subarray(0, 50)
    await put('b')
    // a run that is killed writes the header last, or comes half as far
    const whole = readFileSync(path)
    for (const length of [whole.length, whole.length - 100, whole.length - 3000]) {
      writeFileSync(path, Buffer.concat([header, whole.subarray(50, length)]))
      const found = await run((cache) =>
        Promise.resolve(['a', 'b'].map((name) => cache?.get(key(name))?.length)),
      )
      expect(found).toEqual([5000, undefined])
    }
    await put('b')
    expect(readFileSync(path)).toEqual(whole)
  })

  it('a block that was spoilt is replaced', async () => {
    const {folder, run, files} = await start()
    const names = ['a', 'b', 'c']
    const pack = () =>
      run((cache) => {
        const known = names.map((name) => cache?.get(key(name)) !== undefined)
        for (const name of names.filter((_, at) => !known[at]))
          cache?.put(key(name), Buffer.alloc(5000, name))
        return Promise.resolve(known)
      })
    await pack()
    const path = join(folder, files()[0] ?? '')
    const spoilt = readFileSync(path)
    spoilt[50 + 7000] = 0
    writeFileSync(path, spoilt)
    expect(await pack()).toEqual([true, false, true])
    expect(await pack()).toEqual([true, true, true])
  })

  it('what a thread could not write is said, and leaves the last blocks', async () => {
    const {notices, run} = await start()
    await run((cache) => Promise.resolve(cache?.put(key('a'), bytes)))
    const descriptor = openSync('/dev/null', 'r')
    await run((cache) => {
      if (!cache) throw new Error('no cache')
      const access = createBlockAccess({...cache.shared, fresh: descriptor})
      access.add(key('b'), bytes)
      cache.note(access.takeUse())
      return Promise.resolve()
    })
    closeSync(descriptor)
    expect(notices).toEqual([
      expect.stringMatching(/^blocks are not remembered for the next run: EBADF/),
    ])
    expect(await run((cache) => Promise.resolve(cache?.get(key('a'))))).toEqual(bytes)
  })

  it('is done without where there can be none', async () => {
    const file = join(await tempDir(), 'file')
    writeFileSync(file, '')
    const {notices, run} = await start({folder: join(file, 'blocks')})
    expect(await run((cache) => Promise.resolve(cache))).toBeUndefined()
    expect(notices).toEqual([expect.stringMatching(/there cannot be a cache of blocks/)])
  })

  it('of several processes at once is whole, anyone who is last', async () => {
    const {run, files} = await start()
    await Promise.all(
      Array.from({length: 8}, (_, at) =>
        run((cache) => Promise.resolve(cache?.put(key('a'), Buffer.alloc(50_000, `${at}`)))),
      ),
    )
    expect(files()).toHaveLength(1)
    const found = await run((cache) => Promise.resolve(cache?.get(key('a'))))
    expect(found?.length).toBe(50_000)
  })
})
