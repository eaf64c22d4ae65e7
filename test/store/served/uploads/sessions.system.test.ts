import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {readdirSync, statSync, truncateSync} from 'node:fs'
import {mkdir, readdir, readFile, rm, utimes, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {digestOf} from '../../../../src/oci/digest.js'
import {collectGarbage} from '../../../../src/store/garbage/collect.js'
import {planGarbage} from '../../../../src/store/garbage/plan.js'
import type {Repository, RepositoryRoot, UploadSession} from '../../../../src/store/repository.js'
import {stampOf} from '../../../../src/store/served/blobs/sound-files.js'
import {streamOf} from '../../../../src/stream/bytes.js'
import {
  bytesOf,
  openRootAt,
  openTestRoot,
  rejectionOf,
  textIn,
} from '../../../support/root-fixtures.js'
import {runs} from '../../../support/property-runs.js'

async function reopened(directory: string, id: string): Promise<UploadSession> {
  const repository = await (await openRootAt(directory)).openRepository('a')
  const session = await repository?.resumeUpload(id)
  if (session === undefined) throw new Error(`there is no session ${id}`)
  return session
}

const uploadsOf = (directory: string): string[] =>
  readdirSync(join(directory, 'a', '.inject-uploads'))

async function* failing(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield* streamOf(...chunks)
  throw new Error('the line is dead')
}

describe('an upload session', () => {
  it('takes content in pieces, from anyone who resumes it, and makes a blob of it', async () => {
    const a = await (await openTestRoot()).createRepository('a')
    const session = await a.startUpload()
    expect(session.offset).toBe(0)
    expect(await session.append(streamOf(bytesOf('one ')))).toBe(4)
    const again = await a.resumeUpload(session.id)
    expect(again?.offset).toBe(4)
    expect(await again?.append(streamOf(bytesOf('two ')), {at: 4})).toBe(8)
    expect(await session.append(streamOf(bytesOf('three')), {at: 8})).toBe(13)
    const digest = digestOf(bytesOf('one two three'))
    expect(await session.finish(digest)).toEqual({digest, size: 13})
    expect(await textIn(await a.openBlob({digest, size: 13}))).toBe('one two three')
    expect(await a.resumeUpload(session.id)).toBeUndefined()
  })

  it('refuses bytes for another offset, and stays as it is', async () => {
    const a = await (await openTestRoot()).createRepository('a')
    const session = await a.startUpload()
    await session.append(streamOf(bytesOf('1234')))
    for (const at of [0, 3, 5]) {
      const error = await rejectionOf(session.append(streamOf(bytesOf('x')), {at}))
      expect(error).toMatchObject({code: 'ERR_INJECT_UPLOAD_OUT_OF_ORDER', expected: 4, found: at})
    }
    expect((await session.finish(digestOf(bytesOf('1234')))).size).toBe(4)
  })

  it('X5 is added to by one request at a time, through whichever object', async () => {
    const a = await (await openTestRoot()).createRepository('a')
    const session = await a.startUpload()
    let goOn = (): void => undefined
    const gate = new Promise<void>((resolve) => (goOn = resolve))
    async function* slow(): AsyncGenerator<Uint8Array, void, undefined> {
      yield bytesOf('first ')
      await gate
      yield bytesOf('second')
    }
    const first = session.append(slow())
    const other = await a.resumeUpload(session.id)
    if (other === undefined) throw new Error('gone')
    const digest = digestOf(bytesOf('first second'))
    for (const work of [other.append(streamOf(bytesOf('x'))), other.finish(digest), other.cancel()])
      expect((await rejectionOf(work)).code).toBe('ERR_INJECT_UPLOAD_BUSY')
    goOn()
    expect(await first).toBe(12)
    expect((await other.finish(digest)).digest).toBe(digest)
  })

  it('keeps what came before a failure, and goes on there', async () => {
    const a = await (await openTestRoot()).createRepository('a')
    const session = await a.startUpload()
    expect((await rejectionOf(session.append(failing(bytesOf('kept '))))).message).toBe(
      'the line is dead',
    )
    expect(session.offset).toBe(5)
    await session.append(streamOf(bytesOf('rest')), {at: 5})
    expect((await session.finish(digestOf(bytesOf('kept rest')))).size).toBe(9)
  })

  it('is over when the digest is another one; nothing of it is a blob', async () => {
    const root = await openTestRoot()
    const a = await root.createRepository('a')
    const session = await a.startUpload()
    await session.append(streamOf(bytesOf('content')))
    const wrong = digestOf(bytesOf('other'))
    expect(await rejectionOf(session.finish(wrong))).toMatchObject({
      code: 'ERR_INJECT_DIGEST_MISMATCH',
      expected: wrong,
      found: digestOf(bytesOf('content')),
    })
    expect(await a.statBlob(wrong)).toBeUndefined()
    expect(await a.statBlob(digestOf(bytesOf('content')))).toBeUndefined()
    expect(await a.resumeUpload(session.id)).toBeUndefined()
    expect(uploadsOf(root.directory)).toEqual([])
  })

  it('cancelled is gone with what it received', async () => {
    const root = await openTestRoot()
    const a = await root.createRepository('a')
    const session = await a.startUpload()
    await session.append(streamOf(bytesOf('content')), {at: 0})
    await session.cancel()
    expect(uploadsOf(root.directory)).toEqual([])
    expect((await rejectionOf(session.append(streamOf(bytesOf('x'))))).code).toBe(
      'ERR_INJECT_UPLOAD_NOT_FOUND',
    )
    expect((await rejectionOf(session.finish(digestOf(bytesOf('content'))))).code).toBe(
      'ERR_INJECT_UPLOAD_NOT_FOUND',
    )
  })

  it('T-72 means something to its own repository only, and only as it was given', async () => {
    const root = await openTestRoot()
    const a = await root.createRepository('a')
    const b = await root.createRepository('b')
    const {id} = await a.startUpload()
    expect(id).toMatch(/^[0-9a-f-]{36}$/)
    expect(await b.resumeUpload(id)).toBeUndefined()
    for (const wrong of [
      '',
      '.',
      '..',
      '../../b/index.json',
      id.toUpperCase(),
      `${id}.state`,
      `${id}/`,
      '00000000-0000-4000-8000-000000000000',
    ])
      expect(await a.resumeUpload(wrong), wrong).toBeUndefined()
    expect(await a.resumeUpload(id)).toBeDefined()
  })
})

describe('a session that outlives its process', () => {
  for (const [how, options] of [
    ['streamed', {}],
    ['in ranges', {at: 0}],
  ] as const)
    it(`goes on at the byte, ${how}, for both algorithms`, async () => {
      for (const algorithm of ['sha256', 'sha512'] as const) {
        const root = await openTestRoot()
        const session = await (await root.createRepository('a')).startUpload({algorithm})
        await session.append(streamOf(bytesOf('before ')), options)
        await root.close()
        const later = await reopened(root.directory, session.id)
        expect(later.offset).toBe(7)
        await later.append(streamOf(bytesOf('after')), {at: 7})
        const digest = digestOf(bytesOf('before after'), algorithm)
        expect(await later.finish(digest)).toEqual({digest, size: 12})
      }
    })

  it('after ranges does not read again what the stored hash knows of', async () => {
    const root = await openTestRoot()
    const session = await (await root.createRepository('a')).startUpload()
    await session.append(streamOf(bytesOf('known ')), {at: 0})
    await root.close()
    // seen only by who reads these bytes again; the state says of it what it said of the file
    // before
    const path = join(root.directory, 'a', '.inject-uploads', session.id)
    const before = stampOf(statSync(path))
    await writeFile(path, 'XXXXX ')
    const state = await readFile(`${path}.state`, 'utf8')
    await writeFile(`${path}.state`, state.replace(before, stampOf(statSync(path))))
    const later = await reopened(root.directory, session.id)
    await later.append(streamOf(bytesOf('rest')), {at: 6})
    expect((await later.finish(digestOf(bytesOf('known rest')))).size).toBe(10)
  })

  it('reads all again when the file was changed meanwhile, with its old size and time', async () => {
    const root = await openTestRoot()
    const session = await (await root.createRepository('a')).startUpload()
    await session.append(streamOf(bytesOf('known ')), {at: 0})
    await root.close()
    const path = join(root.directory, 'a', '.inject-uploads', session.id)
    const {atime, mtime} = statSync(path)
    await writeFile(path, 'XXXXX ')
    await utimes(path, atime, mtime)
    const later = await reopened(root.directory, session.id)
    await later.append(streamOf(bytesOf('rest')), {at: 6})
    expect((await rejectionOf(later.finish(digestOf(bytesOf('known rest'))))).code).toBe(
      'ERR_INJECT_DIGEST_MISMATCH',
    )
  })

  it.each([
    ['changed', 'XXXXX '],
    ['cut', 'kno'],
  ])('one whose file was %s between two requests is not a blob', async (_, content) => {
    const root = await openTestRoot()
    const a = await root.createRepository('a')
    const session = await a.startUpload()
    await session.append(streamOf(bytesOf('known ')))
    await writeFile(join(root.directory, 'a', '.inject-uploads', session.id), content)
    const digest = digestOf(bytesOf('known '))
    expect((await rejectionOf(session.finish(digest))).code).toBe('ERR_INJECT_DIGEST_MISMATCH')
    expect(await a.statBlob(digest)).toBeUndefined()
  })

  it('what killed processes left of the state of hashes goes with the first session, and by gc', async () => {
    const root = await openTestRoot()
    const a = await root.createRepository('a')
    await (await a.startUpload()).cancel()
    const folder = join(root.directory, 'a', '.inject-uploads')
    const plant = async (): Promise<void> => {
      await mkdir(folder, {recursive: true})
      const orphan = join(folder, '00000000-0000-4000-8000-000000000000.state')
      await writeFile(orphan, '{}')
      await utimes(orphan, 1, 1)
      await writeFile(join(folder, `.inject-0-1-${'0'.repeat(8)}-${'0'.repeat(16)}`), '')
      await utimes(join(folder, `.inject-0-1-${'0'.repeat(8)}-${'0'.repeat(16)}`), 1, 1)
    }
    await plant()
    await collectGarbage(await planGarbage(root))
    expect(uploadsOf(root.directory)).toEqual([])
    await plant()
    await root.close()
    const later = await (await openRootAt(root.directory)).openRepository('a')
    const other = await later?.startUpload()
    await other?.append(streamOf(bytesOf('x')))
    await other?.cancel()
    expect(uploadsOf(root.directory)).toEqual([])
  })

  it('Z12 reads all again where what is stored is missing, damaged, of another boot, or ahead of the data', async () => {
    const root = await openTestRoot()
    let directory = root
    const damages: ((state: string, data: string) => Promise<void>)[] = [
      (state) => rm(state),
      (state) => writeFile(state, ''),
      (state) => writeFile(state, '[]'),
      async (state) =>
        writeFile(
          state,
          (await readFile(state, 'utf8')).replace(/"state":"....../, '"state":"AAAAAA'),
        ),
      async (state) =>
        writeFile(state, (await readFile(state, 'utf8')).replace(/"boot":"[^"]*"/, '"boot":"x"')),
      async (state) =>
        writeFile(state, (await readFile(state, 'utf8')).replace('"size":6', '"size":7')),
    ]
    for (const damage of damages) {
      const a = await directory.createRepository('a')
      const session = await a.startUpload()
      await session.append(streamOf(bytesOf('known ')), {at: 0})
      await directory.close()
      const path = join(root.directory, 'a', '.inject-uploads', session.id)
      await damage(`${path}.state`, path)
      directory = await openRootAt(root.directory)
      const later = await (await directory.openRepository('a'))?.resumeUpload(session.id)
      expect(later?.offset).toBe(6)
      await later?.append(streamOf(bytesOf('rest')), {at: 6})
      expect((await later?.finish(digestOf(bytesOf('known rest'))))?.size).toBe(10)
    }
  })

  it('S9 state without data is not a session; data without state is one', async () => {
    const root = await openTestRoot()
    const a = await root.createRepository('a')
    const session = await a.startUpload()
    await session.append(streamOf(bytesOf('data')), {at: 0})
    await root.close()
    const path = join(root.directory, 'a', '.inject-uploads', session.id)
    await rm(path)
    const again = await openRootAt(root.directory)
    expect(await (await again.openRepository('a'))?.resumeUpload(session.id)).toBeUndefined()
    expect(uploadsOf(root.directory)).toEqual([])
  })

  it('P13 gives the same blob for any pieces, cuts and restarts', async () => {
    const root = await openTestRoot()
    await root.createRepository('a')
    await root.close()
    const piece = fc.record({
      bytes: fc.uint8Array({maxLength: 200}),
      ranged: fc.boolean(),
      restart: fc.boolean(),
    })
    const property = fc.asyncProperty(fc.array(piece, {maxLength: 6}), async (pieces) => {
      let open = await openRootAt(root.directory)
      let session = await (await open.createRepository('a')).startUpload()
      const all: Uint8Array[] = [bytesOf('x')]
      // one that nobody wrote to does not outlive its process
      await session.append(streamOf(bytesOf('x')))
      for (const {bytes, ranged, restart} of pieces) {
        await session.append(streamOf(bytes), ranged ? {at: session.offset} : {})
        all.push(bytes)
        if (!restart) continue
        await open.close()
        open = await openRootAt(root.directory)
        const found = await (await open.openRepository('a'))?.resumeUpload(session.id)
        if (found === undefined) throw new Error('the session is gone')
        session = found
      }
      const digest = digestOf(Buffer.concat(all))
      expect((await session.finish(digest)).digest).toBe(digest)
      await open.close()
    })
    await fc.assert(property, {numRuns: runs(0.3)})
  })

  it('s2 I10 killed while it receives, resumes at bytes that are there', async () => {
    const root = await openTestRoot()
    await root.createRepository('a')
    await root.close()
    const script = `
      import {openRepositoryRoot} from '${join(process.cwd(), 'src/store/served/open-root.ts')}'
      const root = await openRepositoryRoot(${JSON.stringify(root.directory)})
      const session = await (await root.createRepository('a')).startUpload()
      async function* numbers() {
        for (let at = 0; ; at++) {
          yield Buffer.alloc(65536, at % 251)
          if (at === 100) console.log(session.id)
        }
      }
      await session.append(numbers())`
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '-e', script],
      {stdio: ['ignore', 'pipe', 'inherit']},
    )
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    child.kill('SIGKILL')
    await once(child, 'exit')
    const session = await reopened(root.directory, line.toString().trim())
    // the last of it was still in memory
    expect(session.offset).toBeGreaterThanOrEqual(60 * 65536)
    const content = Buffer.alloc(session.offset)
    for (let at = 0; at * 65536 < content.length; at++)
      content.fill(at % 251, at * 65536, (at + 1) * 65536)
    await session.append(streamOf(bytesOf('end')), {at: session.offset})
    const digest = digestOf(Buffer.concat([content, bytesOf('end')]))
    expect((await session.finish(digest)).digest).toBe(digest)
  })
})

describe('many sessions', () => {
  it('T-79 a repository has at most so many; ended ones make room', async () => {
    const root = await openTestRoot({uploadsPerRepository: 3})
    const a = await root.createRepository('a')
    const begin = async (repository = a) => {
      const session = await repository.startUpload()
      await session.append(streamOf(bytesOf('x')))
      return session
    }
    // those that nobody has written to do not count, and are refused as soon as somebody does
    const [empty] = [await a.startUpload(), await a.startUpload()]
    const sessions = [await begin(), await begin(), await begin()]
    expect(await rejectionOf(empty.append(streamOf(bytesOf('x'))))).toMatchObject({
      code: 'ERR_INJECT_TOO_MANY_UPLOADS',
    })
    const error = await rejectionOf(a.startUpload())
    expect(error).toMatchObject({
      name: 'LimitError',
      code: 'ERR_INJECT_TOO_MANY_UPLOADS',
      expected: 3,
    })
    await begin(await root.createRepository('b'))
    await sessions[0]?.cancel()
    await begin()
  })

  it('I9 stale ones of an earlier process are gone, and do not count', async () => {
    const root = await openTestRoot({uploadsPerRepository: 100, uploadIdleMs: 60_000})
    const a = await root.createRepository('a')
    const folder = join(root.directory, 'a', '.inject-uploads')
    await mkdir(folder, {recursive: true})
    const old = Date.now() / 1000 - 61
    const ids = Array.from(
      {length: 300},
      (_, at) => `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`,
    )
    for (const id of ids) {
      await writeFile(join(folder, id), 'stale')
      await utimes(join(folder, id), old, old)
    }
    expect(await a.resumeUpload(ids[0] ?? '')).toBeUndefined()
    const session = await a.startUpload()
    await session.append(streamOf(bytesOf('x')))
    expect(await readdir(folder)).toEqual([session.id])
  })

  it('activity keeps a session alive', async () => {
    const root = await openTestRoot({uploadIdleMs: 60_000})
    const a: Repository = await root.createRepository('a')
    const session = await a.startUpload()
    await session.append(streamOf(bytesOf('x')))
    const path = join(root.directory, 'a', '.inject-uploads', session.id)
    const old = Date.now() / 1000 - 50
    await utimes(path, old, old)
    await session.append(streamOf(bytesOf('x')))
    expect(Date.now() - statSync(path).mtimeMs).toBeLessThan(40_000)
    expect(await a.resumeUpload(session.id)).toBeDefined()
    // somebody else's doing: what is there counts
    truncateSync(path, 0)
    await session.finish(digestOf(new Uint8Array(0)))
  })
})

describe('sessions that nobody has written to', () => {
  it('cost nothing on disk, make no repository, and are gone after their time', async () => {
    const root = await openTestRoot()
    const first = await root.startUpload('new/one')
    expect(await root.openRepository('new/one')).toBeUndefined()
    expect(await first.append(streamOf(new Uint8Array(0)))).toBe(0)
    expect(await readdir(root.directory)).toEqual(['.inject-root'])
    expect((await root.resumeUpload('new/one', first.id))?.offset).toBe(0)
    // of another repository it is none
    expect(await root.resumeUpload('new/two', first.id)).toBeUndefined()
    const brief = await openTestRoot({uploadPendingMs: 0})
    const over = await brief.startUpload('new/one')
    expect(await brief.resumeUpload('new/one', over.id)).toBeUndefined()
    expect(await readdir(brief.directory)).toEqual(['.inject-root'])
  })

  it('become what they are with the first byte, or as the empty blob', async () => {
    const root = await openTestRoot()
    const session = await root.startUpload('new/one')
    await expect(session.append(streamOf(bytesOf('x')), {at: 1})).rejects.toMatchObject({
      code: 'ERR_INJECT_UPLOAD_OUT_OF_ORDER',
    })
    await session.append(streamOf(bytesOf('x')), {at: 0})
    expect((await root.resumeUpload('new/one', session.id))?.offset).toBe(1)
    expect(await session.finish(digestOf(bytesOf('x')))).toMatchObject({size: 1})
    const empty = await root.startUpload('new/two')
    expect(await empty.finish(digestOf(new Uint8Array(0)))).toMatchObject({size: 0})
    const wrong = await root.startUpload('new/three')
    await expect(wrong.finish(digestOf(bytesOf('x')))).rejects.toMatchObject({
      code: 'ERR_INJECT_DIGEST_MISMATCH',
    })
    expect(await root.openRepository('new/three')).toBeUndefined()
  })
})

describe('the space of unfinished uploads', () => {
  const begin = async (root: RepositoryRoot, name: string, size: number) => {
    const session = await root.startUpload(name)
    await session.append(streamOf(new Uint8Array(size)))
    return session
  }

  it('B16 is bounded in all: those that were idle longest go, also of an earlier process', async () => {
    const first = await openTestRoot()
    const left = await begin(first, 'a', 400)
    await first.close()
    const root = await openRootAt(first.directory, {unfinishedSize: 1000, uploadQuietMs: 0})
    const old = await begin(root, 'b', 400)
    const late = await begin(root, 'c', 400)
    expect(await root.resumeUpload('a', left.id)).toBeUndefined()
    expect((await root.resumeUpload('b', old.id))?.offset).toBe(400)
    await old.append(streamOf(new Uint8Array(100)))
    await begin(root, 'd', 300)
    expect(await root.resumeUpload('c', late.id)).toBeUndefined()
    expect((await root.resumeUpload('b', old.id))?.offset).toBe(500)
    // what is finished is not an upload any more
    await old.finish(digestOf(new Uint8Array(500)))
    await begin(root, 'e', 700)
  })

  it('B16 one that was just written to does not go: then the one that grows is refused', async () => {
    const root = await openTestRoot({unfinishedSize: 1000})
    const other = await begin(root, 'a', 600)
    expect(await rejectionOf(begin(root, 'b', 600))).toMatchObject({
      name: 'LimitError',
      code: 'ERR_INJECT_UPLOADS_FULL',
    })
    expect((await root.resumeUpload('a', other.id))?.offset).toBe(600)
  })
})
