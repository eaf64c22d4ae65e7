import {
  chmodSync,
  chownSync,
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
import {describe, expect, it, onTestFinished} from 'vitest'
import {openBlobCache} from '../../src/fast/blob-cache.js'
import {pruneCache} from '../../src/fast/prune-cache.js'
import {type Digest, digestOf, hexOf} from '../../src/oci/digest.js'
import {createMemoryStore} from '../../src/store/memory-store.js'
import {streamOf} from '../../src/stream/bytes.js'
import {verified} from '../../src/stream/verify.js'
import {otherUser} from '../disk/as-other-user.js'
import {nameOfEnded} from '../disk/dead-owner.js'
import {mountTmpfs} from '../disk/tmpfs.js'
import {makeLayoutImage} from '../support/layout-image.js'
import {localPorts} from '../support/local-ports.js'
import {makeEntry, putImage} from '../support/put-image.js'
import {contentOf, saveFast} from '../support/save.js'
import {tempDir} from '../support/temp-dir.js'

const app = 'registry.example/team/app'
const {signal} = new AbortController()

async function makeApp() {
  const store = createMemoryStore(app)
  const layer = (name: string) => ({entries: [makeEntry(`${name}/`)]})
  await putImage(store, {layers: [layer('a'), layer('b'), layer('a')]})
  const folder = await tempDir()
  const at = (name: string) => join(folder, name)
  return {at, cache: at('cache'), ports: localPorts({[app]: store})}
}

/** The cache by itself; its threads end with the test. */
async function openCache(cache: string) {
  const blobs = await openBlobCache(cache, {threads: 1})
  onTestFinished(() => blobs.close())
  return blobs
}

const blobsIn = (cache: string) => readdirSync(join(cache, 'sha256')).sort()

describe('a cache of blobs', () => {
  it('SYSTEMS 3.5.1 has the second time what was fetched the first time, compressed and plain', async () => {
    const {at, cache, ports} = await makeApp()
    for (const uncompressed of [false, true]) {
      const name = String(uncompressed)
      const first = await saveFast(at(`1${name}`), `${app}:v1`, ports, {cache, uncompressed})
      expect(first.contents).toEqual({fetched: 2, cached: 0})
      const second = await saveFast(at(`2${name}`), `${app}:v1`, ports, {cache, uncompressed})
      expect(second).toMatchObject({contents: {fetched: 0, cached: 2}, bytes: 0})
      expect(contentOf(at(`2${name}`))).toEqual(contentOf(at(`1${name}`)))
    }
    expect(blobsIn(cache)).toHaveLength(4)
  })

  it('SYSTEMS 3.5.1 3.4.7 is checked on each use: what is damaged is fetched again and replaced', async () => {
    const {at, cache, ports} = await makeApp()
    await saveFast(at('one'), `${app}:v1`, ports, {cache})
    const [first = '', second = ''] = blobsIn(cache)
    const path = join(cache, 'sha256', first)
    const {size} = statSync(path)
    chmodSync(path, 0o644)
    writeFileSync(path, Buffer.alloc(size)) // of the first image, too: it is the same file
    rmSync(join(cache, 'sha256', second))
    symlinkSync('/etc/passwd', join(cache, 'sha256', second))
    const result = await saveFast(at('two'), `${app}:v1`, ports, {cache})
    expect(result.contents).toEqual({fetched: 2, cached: 0})
    for (const name of blobsIn(cache))
      expect(digestOf(readFileSync(join(cache, 'sha256', name)))).toBe(`sha256:${name}`)
    expect((await saveFast(at('three'), `${app}:v1`, ports, {cache})).contents.cached).toBe(2)
  })

  it('SYSTEMS 3.5.3 takes nothing that is not what it should be, and no half of it', async () => {
    const {cache} = await makeApp()
    const blobs = await openCache(cache)
    const digest = digestOf(Buffer.from('right'))
    const place = (...chunks: Uint8Array[]) =>
      blobs.place(
        {digest},
        join(cache, '..', 'out'),
        () => Promise.resolve(verified(streamOf(...chunks), {digest, size: 5}, 'it')),
        signal,
      )
    await expect(place(Buffer.from('wrong'))).rejects.toMatchObject({
      code: 'ERR_INJECT_DIGEST_MISMATCH',
    })
    expect(blobsIn(cache)).toEqual([])
    expect(readdirSync(join(cache, '..'))).toEqual(['cache'])
    expect(await place(Buffer.from('right'))).toBe(false)
    expect(blobsIn(cache)).toEqual([hexOf(digest)])
  })

  it.each([false, true])(
    'SYSTEMS 3.5.3 of a store with other bytes nothing is kept, in the cache and the folder (uncompressed: %s)',
    async (uncompressed) => {
      const folder = await tempDir()
      const image = await makeLayoutImage(folder)
      const blobs = join(folder, 'images/blobs/sha256')
      const sizeOf = (name: string) => statSync(join(blobs, name)).size
      const layer = readdirSync(blobs).find((name) => readFileSync(join(blobs, name))[0] === 0x1f)!
      const bytes = readFileSync(join(blobs, layer))
      // the operating system's byte of the header: it unpacks as before
      writeFileSync(join(blobs, layer), bytes.with(9, 0x03))
      expect(sizeOf(layer)).toBe(bytes.length)
      for (const cache of [undefined, join(folder, 'cache')]) {
        const out = join(folder, 'out')
        const more = {cache, uncompressed}
        await expect(saveFast(out, image, localPorts(), more)).rejects.toMatchObject({
          code: 'ERR_INJECT_DIGEST_MISMATCH',
        })
        expect(readdirSync(folder)).not.toContain('out')
      }
      expect(blobsIn(join(folder, 'cache'))).toEqual([])
    },
  )

  it('SYSTEMS 3.5.3 is shared by many at once', async () => {
    const {at, cache, ports} = await makeApp()
    const all = Array.from({length: 8}, (_, index) =>
      saveFast(at(`out${index}`), `${app}:v1`, ports, {cache}),
    )
    await Promise.all(all)
    for (let index = 1; index < 8; index++)
      expect(contentOf(at(`out${index}`))).toEqual(contentOf(at('out0')))
    expect(blobsIn(cache)).toHaveLength(2)
    expect(readdirSync(cache).sort()).toEqual(['CACHEDIR.TAG', 'sha256'])
  })

  it('SYSTEMS 3.5.4 gives images that live without it, wherever they are moved', async () => {
    const {at, cache, ports} = await makeApp()
    await saveFast(at('one'), `${app}:v1`, ports, {cache})
    const before = contentOf(at('one'))
    expect(lstatSync(join(at('one'), '000.tar.gz')).nlink).toBe(3)
    rmSync(cache, {recursive: true})
    renameSync(at('one'), at('moved'))
    expect(contentOf(at('moved'))).toEqual(before)
  })

  it('is copied from where somebody else could change what was checked', async () => {
    const {at, cache, ports} = await makeApp()
    await saveFast(at('one'), `${app}:v1`, ports, {cache})
    const before = contentOf(at('one'))
    const [first = '', second = ''] = blobsIn(cache).map((name) => join(cache, 'sha256', name))
    chmodSync(first, 0o666)
    // only root can give files away
    if (process.geteuid?.() === 0) chownSync(second, otherUser, otherUser)
    else chmodSync(second, 0o666)
    const {contents} = await saveFast(at('two'), `${app}:v1`, ports, {cache})
    expect(contents).toEqual({fetched: 0, cached: 2})
    for (const path of [first, second]) writeFileSync(path, Buffer.alloc(statSync(path).size))
    expect(contentOf(at('two'))).toEqual(before)
    for (const name of ['000.tar.gz', '001.tar.gz'])
      expect(statSync(join(at('two'), name))).toMatchObject({uid: process.geteuid?.()})
    expect(statSync(join(at('two'), '000.tar.gz')).mode & 0o777).toBe(0o444)
    // now they are nothing that a digest names
    const again = await saveFast(at('three'), `${app}:v1`, ports, {cache})
    expect(again.contents).toEqual({fetched: 2, cached: 0})
    expect(contentOf(at('three'))).toEqual(before)
    const isOurs = (path: string) => statSync(path).uid === process.geteuid?.()
    expect([first, second].every(isOurs)).toBe(true)
  })

  it('fetches what others could change where nothing says how long it is', async () => {
    const {at, cache, ports} = await makeApp()
    const plain = {cache, uncompressed: true}
    await saveFast(at('one'), `${app}:v1`, ports, plain)
    for (const name of blobsIn(cache)) chmodSync(join(cache, 'sha256', name), 0o666)
    const {contents} = await saveFast(at('two'), `${app}:v1`, ports, plain)
    expect(contents).toEqual({fetched: 2, cached: 0})
    expect(contentOf(at('two'))).toEqual(contentOf(at('one')))
  })

  it('what is fetched is whole before a folder of somebody else gets it', async () => {
    const {cache} = await makeApp()
    const blobs = await openCache(cache)
    const content = Buffer.from('right')
    const digest = digestOf(content)
    const own = join(cache, '..', 'own')
    mkdirSync(own)
    // eslint-disable-next-line @typescript-eslint/require-await -- it has nothing to wait for
    async function* watched() {
      yield content
      expect(blobsIn(cache)).toEqual([])
      expect(readdirSync(own)).toHaveLength(1)
    }
    await blobs.place({digest}, join(own, 'out'), () => Promise.resolve(watched()), signal)
    expect(readFileSync(join(cache, 'sha256', hexOf(digest)), 'utf8')).toBe('right')
    expect(readdirSync(own)).toEqual(['out'])
  })

  it('gives nothing of another size than the descriptor says, and keeps it', async () => {
    const {cache} = await makeApp()
    const blobs = await openCache(cache)
    const content = Buffer.from('right')
    const digest = digestOf(content)
    const place = (name: string, size: number, open: () => Promise<AsyncIterable<Uint8Array>>) =>
      blobs.place({digest, size}, join(cache, '..', name), open, signal)
    await place('one', 5, () => Promise.resolve(streamOf(content)))
    const wanted = () => Promise.reject(new Error('it is fetched'))
    await expect(place('two', 6, wanted)).rejects.toThrow('it is fetched')
    expect(await place('three', 5, wanted)).toBe(true)
  })

  it('copies where there cannot be a link', async ({skip}) => {
    const {at, ports} = await makeApp()
    const mounted = await mountTmpfs('size=4m')
    if (mounted === undefined) return skip('mounting is not allowed here')
    const cache = join(mounted, 'cache')
    await saveFast(at('one'), `${app}:v1`, ports, {cache})
    const again = await saveFast(at('two'), `${app}:v1`, ports, {cache})
    expect(again.contents).toEqual({fetched: 0, cached: 2})
    expect(contentOf(at('two'))).toEqual(contentOf(at('one')))
  })

  it('is a folder of its own, and what killed runs left in it goes', async () => {
    const {at, cache, ports} = await makeApp()
    mkdirSync(at('home'))
    writeFileSync(join(at('home'), 'thesis'), '')
    await expect(
      saveFast(at('one'), `${app}:v1`, ports, {cache: at('home')}),
    ).rejects.toMatchObject({code: 'ERR_INJECT_NOT_A_CACHE'})
    await openCache(cache)
    mkdirSync(join(cache, 'sha256'))
    writeFileSync(join(cache, 'sha256', await nameOfEnded('.inject-')), 'half')
    await saveFast(at('one'), `${app}:v1`, ports, {cache})
    expect(blobsIn(cache)).toHaveLength(2)
  })
})

describe('inject cache prune', () => {
  async function fill(cache: string, contents: readonly string[]): Promise<Digest[]> {
    const blobs = await openCache(cache)
    const digests = contents.map((content) => digestOf(Buffer.from(content)))
    for (const [at, digest] of digests.entries()) {
      const content = Buffer.from(contents[at]!)
      const target = join(cache, '..', `out${at}`)
      await blobs.place({digest}, target, () => Promise.resolve(streamOf(content)), signal)
      utimesSync(join(cache, 'sha256', hexOf(digest)), 1000 + at, 5)
    }
    return digests
  }

  it('removes what was not used for longest, until the rest is small enough', async () => {
    const cache = join(await tempDir(), 'cache')
    const [one, two, three] = await fill(cache, ['1111', '2222', '3333'])
    // used again: not the oldest any more, and its time as a file is what it was
    const blobs = await openCache(cache)
    const never = () => Promise.reject(new Error('it is there'))
    await blobs.place({digest: one!}, join(cache, '..', 'again'), never, signal)
    expect(statSync(join(cache, '..', 'again')).mtimeMs).toBe(5000)
    const plan = await pruneCache(cache, {maxBytes: 9, dryRun: true}, signal)
    expect(plan).toEqual({removed: {blobs: 1, bytes: 4}, kept: {blobs: 2, bytes: 8}})
    expect(blobsIn(cache)).toHaveLength(3)
    expect(await pruneCache(cache, {maxBytes: 9, dryRun: false}, signal)).toEqual(plan)
    expect(blobsIn(cache)).toEqual([hexOf(one!), hexOf(three!)].sort())
    await pruneCache(cache, {maxBytes: 4, dryRun: false}, signal)
    expect(blobsIn(cache)).toEqual([hexOf(one!)])
    await pruneCache(cache, {maxBytes: 0, dryRun: false}, signal)
    expect(blobsIn(cache)).toEqual([])
    expect(readFileSync(join(cache, '..', 'out1'), 'utf8')).toBe('2222')
    expect(two).toBeDefined()
  })

  it('leaves everything as it is when it only says what would go', async () => {
    const cache = join(await tempDir(), 'cache')
    const [blob] = await fill(cache, ['1'])
    const left = await nameOfEnded('.inject-')
    writeFileSync(join(cache, 'sha256', left), 'half')
    await pruneCache(cache, {maxBytes: 0, dryRun: true}, signal)
    expect(blobsIn(cache)).toEqual([left, hexOf(blob!)].sort())
    await pruneCache(cache, {maxBytes: 0, dryRun: false}, signal)
    expect(blobsIn(cache)).toEqual([])
  })

  it.each([
    ['of another program', 'Signature: 8a477f597d28d172789f06886806bc55\n# Of a compiler.\n'],
    ['that is too long to be ours', 'x'.repeat(8192)],
  ])('takes no folder for a cache by a tag %s', async (_, tag) => {
    const folder = await tempDir()
    writeFileSync(join(folder, 'CACHEDIR.TAG'), tag)
    const code = 'ERR_INJECT_NOT_A_CACHE'
    await expect(openBlobCache(folder, {threads: 1})).rejects.toMatchObject({code})
    mkdirSync(join(folder, 'sha256'))
    writeFileSync(join(folder, 'sha256', 'a'.repeat(64)), '')
    await expect(pruneCache(folder, {maxBytes: 0, dryRun: false}, signal)).rejects.toMatchObject({
      code,
    })
    expect(readFileSync(join(folder, 'CACHEDIR.TAG'), 'utf8')).toBe(tag)
  })

  it('touches no folder that is not a cache, and no file that is not a blob', async () => {
    const folder = await tempDir()
    mkdirSync(join(folder, 'sha256'))
    writeFileSync(join(folder, 'sha256', 'a'.repeat(64)), 'a layout, perhaps')
    await expect(pruneCache(folder, {maxBytes: 0, dryRun: false}, signal)).rejects.toMatchObject({
      code: 'ERR_INJECT_NOT_A_CACHE',
    })
    const cache = join(folder, 'cache')
    await fill(cache, ['1'])
    writeFileSync(join(cache, 'sha256', 'notes'), 'mine')
    await pruneCache(cache, {maxBytes: 0, dryRun: false}, signal)
    expect(blobsIn(cache)).toEqual(['notes'])
  })
})
