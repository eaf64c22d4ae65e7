import {appendFile, link, lstat, rename, utimes, writeFile} from 'node:fs/promises'
import {createHash} from 'node:crypto'
import {join} from 'node:path'
import {setImmediate as nextTurn} from 'node:timers/promises'
import {describe, expect, it} from 'vitest'
import {digestOf} from '../../../../src/oci/digest.js'
import {renewLease} from '../../../../src/store/served/blobs/lease.js'
import {layoutPaths} from '../../../../src/store/layout/paths.js'
import {createSoundFiles, type FileStamp} from '../../../../src/store/served/blobs/sound-files.js'
import {streamOf} from '../../../../src/stream/bytes.js'
import {
  bytesOf,
  openTestRoot,
  pushBlob,
  rejectionOf,
  textIn,
} from '../../../support/root-fixtures.js'

const digest = digestOf(bytesOf('x'))
const other = digestOf(bytesOf('y'))
const state = (members: Partial<FileStamp> = {}): FileStamp => ({
  dev: 1,
  ino: 2,
  size: 3,
  mtimeMs: 1_700_000_000_123,
  ctimeMs: 1_700_000_000_123.5,
  ...members,
})

describe('what is known of files', () => {
  it('holds for one digest and one state, for a limited time', () => {
    let time = 0
    const sound = createSoundFiles({maxAgeMs: 100, now: () => time})
    expect(sound.has(digest, state())).toBe(false)
    sound.add(digest, state())
    expect(sound.has(digest, state())).toBe(true)
    expect(sound.has(other, state())).toBe(false)
    for (const change of [{dev: 9}, {ino: 9}, {size: 9}, {mtimeMs: 9}, {ctimeMs: 9}])
      expect(sound.has(digest, state(change))).toBe(false)
    time = 99
    expect(sound.has(digest, state())).toBe(true)
    time = 100
    expect(sound.has(digest, state())).toBe(false)
  })

  it('says nothing of a file whose time the system has set: two writes within a tick look alike', () => {
    const sound = createSoundFiles()
    for (const mtimeMs of [1_700_000_000_123.456, 1_700_000_000_000]) {
      sound.add(digest, state({mtimeMs}))
      sound.watch(digest, state({mtimeMs}))(state({mtimeMs}))
      expect(sound.has(digest, state({mtimeMs}))).toBe(false)
    }
  })

  it('takes no file for right whose time changed while it was read, though it was a lease', () => {
    const sound = createSoundFiles()
    const later = (ms: number): FileStamp =>
      state({mtimeMs: state().mtimeMs + ms, ctimeMs: state().ctimeMs + ms})
    const confirm = sound.watch(digest, state())
    confirm(later(5))
    expect([state(), later(5)].map((each) => sound.has(digest, each))).toEqual([false, false])
    confirm(state())
    expect([state(), later(5)].map((each) => sound.has(digest, each))).toEqual([true, false])
  })

  it('forgets the oldest of too many', () => {
    const sound = createSoundFiles({limit: 2})
    for (const ino of [1, 2, 3]) sound.add(digest, state({ino}))
    expect([1, 2, 3].map((ino) => sound.has(digest, state({ino})))).toEqual([false, true, true])
  })
})

describe('a blob that was found right', () => {
  // no two parts of it are the same
  const content = Buffer.from(Uint32Array.from({length: 750_000}, (_, at) => at).buffer)
  const wrong = Buffer.alloc(3_000_000, 8)
  const prepare = async (options = {}) => {
    const root = await openTestRoot(options)
    const a = await root.createRepository('a')
    const blob = {digest: await pushBlob(a, content), size: content.length}
    const path = layoutPaths.blob(join(root.directory, 'a'), blob.digest)
    const read = async (): Promise<string> => {
      const hash = createHash('sha256')
      let held: Uint8Array | undefined
      // looked at as late as is allowed
      for await (const chunk of await a.openBlob(blob, {recycle: true})) {
        if (held !== undefined) hash.update(held)
        held = chunk
        // whatever fills memory meanwhile has its turn
        for (let turn = 0; turn < 20; turn++) await nextTurn()
      }
      hash.update(held ?? '')
      return `sha256:${hash.digest('hex')}`
    }
    /** The disk turns a bit: the bytes change, and no time does. */
    const rot = async (): Promise<void> => {
      const {mtime} = await lstat(path)
      await writeFile(path, wrong)
      await utimes(path, mtime, mtime)
    }
    return {root, a, blob, path, read, rot}
  }

  it('reads as it is, also from memory that is used again', async () => {
    const {read, blob, a, root} = await prepare()
    for (let at = 0; at < 3; at++) expect(await read()).toBe(blob.digest)
    const b = await root.createRepository('b')
    await b.mountBlob(blob.digest, 'a')
    expect(await read()).toBe(blob.digest)
    const other = await a.openBlobRange(blob, {first: 2_999_990, last: 2_999_999}, {recycle: true})
    expect(await textIn(other)).toBe(content.subarray(2_999_990).toString())
  })

  it.each([
    ['written again', (path: string) => writeFile(path, wrong)],
    [
      'replaced',
      async (path: string) => {
        await writeFile(`${path}.new`, wrong)
        await rename(`${path}.new`, path)
      },
    ],
    [
      'written with its old time',
      async (path: string) => {
        const {atime, mtime, ctimeMs} = await lstat(path)
        await writeFile(path, wrong)
        // until the clock of the file system has moved on
        do await utimes(path, atime, mtime)
        while ((await lstat(path)).ctimeMs === ctimeMs)
      },
    ],
    ['made longer', (path: string) => appendFile(path, 'x')],
    [
      'written just before a lease was renewed',
      async (path: string) => {
        await writeFile(path, wrong)
        await renewLease(path)
      },
    ],
  ])('is read again when it was %s', async (_, change) => {
    const {a, blob, path, read} = await prepare()
    expect(await read()).toBe(blob.digest)
    await change(path)
    expect((await rejectionOf(read())).code).toMatch(/^ERR_INJECT_(?:DIGEST|SIZE)_MISMATCH$/)
    expect(await a.statBlob(blob.digest)).toBeUndefined()
  })

  it('is hashed once for every lease that is renewed, not for each that asks', async () => {
    const {a, blob, path, read, rot} = await prepare()
    const old = Date.now() / 1000 - 90.001
    await utimes(path, old, old)
    for (let at = 0; at < 3; at++) await a.statBlob(blob.digest)
    const {ino, mtimeMs, ctimeMs} = await lstat(path)
    expect(mtimeMs).toBeGreaterThan(old * 1000 + 60_000)
    expect(await read()).toBe(blob.digest)
    for (let at = 0; at < 3; at++) {
      await a.statBlob(blob.digest)
      expect(await read()).toBe(blob.digest)
    }
    // asking again has changed nothing that would be a reason to hash
    expect(await lstat(path)).toMatchObject({ino, mtimeMs, ctimeMs})
    await rot()
    expect((await rejectionOf(read())).code).toBe('ERR_INJECT_DIGEST_MISMATCH')
  })

  it('is hashed at its first read when the file was changed after it was received', async () => {
    const root = await openTestRoot()
    const a = await root.createRepository('a')
    const session = await a.startUpload()
    await session.append(streamOf(content))
    const path = join(root.directory, 'a', '.inject-uploads', session.id)
    const {atime, mtime} = await lstat(path)
    await writeFile(path, wrong)
    await utimes(path, atime, mtime)
    expect((await rejectionOf(session.finish(digestOf(content)))).code).toBe(
      'ERR_INJECT_DIGEST_MISMATCH',
    )
    expect(await a.statBlob(digestOf(content))).toBeUndefined()
  })

  it('is read again by the next process, and when its time is over', async () => {
    const {a, blob, path} = await prepare({soundMs: 0})
    let hashed = 0
    await writeFile(path, wrong)
    const read = async (): Promise<void> => {
      for await (const chunk of await a.openBlob(blob)) hashed += chunk.length
    }
    expect((await rejectionOf(read())).code).toBe('ERR_INJECT_DIGEST_MISMATCH')
    expect(hashed).toBeLessThan(content.length)
  })

  it('that is changed while it is read fails before its end, linked meanwhile it does not', async () => {
    const {a, blob, path, root, read} = await prepare()
    expect(await read()).toBe(blob.digest)
    const linked = (await a.openBlob(blob))[Symbol.asyncIterator]()
    await linked.next()
    await link(path, join(root.directory, 'link'))
    let rest = 0
    for (let next = await linked.next(); !next.done; next = await linked.next())
      rest += next.value.length
    expect(rest).toBeGreaterThan(0)

    expect(await read()).toBe(blob.digest)
    const stream = (await a.openBlob(blob))[Symbol.asyncIterator]()
    await stream.next()
    await writeFile(path, wrong)
    const finish = async (): Promise<void> => {
      while (!(await stream.next()).done);
    }
    // a part of it may be read while it is empty
    expect((await rejectionOf(finish())).code).toMatch(/^ERR_INJECT_(?:DIGEST|SIZE)_MISMATCH$/)
    expect(await a.statBlob(blob.digest)).toBeUndefined()
  })
})
