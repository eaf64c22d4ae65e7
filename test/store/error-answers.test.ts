import {mkdir, rename, symlink, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {ifAbsent, ifDamaged, ifNoSuchPath, ifUnfit} from '../../src/disk/error-answers.js'
import {IntegrityError, LimitError} from '../../src/errors.js'
import {digestOf} from '../../src/oci/digest.js'
import {inspectFile, isSoundFile} from '../../src/store/layout/sound-file.js'
import {readFileStream} from '../../src/disk/read-file.js'
import {layoutPaths} from '../../src/store/layout/paths.js'
import {openLayoutStore} from '../../src/store/layout/layout-store.js'
import {openRepositoryRoot} from '../../src/store/served/open-root.js'
import {quarantine, quarantineIfDamaged} from '../../src/store/served/blobs/quarantine.js'
import {rootPaths} from '../../src/store/layout/root-paths.js'
import {streamOf} from '../../src/stream/bytes.js'
import {bytesOf, openTestRoot, pushBlob, rejectionOf} from '../support/root-fixtures.js'
import {tempDir} from '../support/temp-dir.js'

/**
 * A regular file that says it is empty, and whose reading fails with EIO:
 * https://man7.org/linux/man-pages/man5/proc_pid_mem.5.html
 */
const unreadable = '/proc/self/mem'
const nothing = {digest: digestOf(new Uint8Array(0)), size: 0}

it('A2 a file that cannot be read is neither sound nor damaged: the error is thrown', async () => {
  for (const look of [inspectFile, isSoundFile])
    expect(await rejectionOf(look(unreadable, nothing))).toMatchObject({
      name: 'LocalIoError',
      code: 'ERR_INJECT_LOCAL_IO',
      cause: {code: 'EIO'},
    })
})

it('what was read to its end is sound or damaged, and what is not there is absent', async () => {
  const directory = await tempDir()
  const path = join(directory, 'file')
  const blob = {digest: digestOf(bytesOf('abc')), size: 3}
  expect(await inspectFile(path, blob)).toBe('absent')
  await writeFile(path, 'abc')
  expect(await inspectFile(path, blob)).toBe('sound')
  await writeFile(path, 'abd')
  expect(await inspectFile(path, blob)).toBe('damaged')
  await writeFile(path, 'abcd')
  expect(await inspectFile(path, blob)).toBe('damaged')
  await symlink('file', join(directory, 'link'))
  expect(await inspectFile(join(directory, 'link'), blob)).toBe('damaged')
})

it('an error becomes a value only where it says so', async () => {
  const absent = await rejectionOf(readFileStream('/nonexistent').next())
  const failed = await rejectionOf(readFileStream(unreadable).next())
  const inFile = await rejectionOf(readFileStream('/proc/version/x').next())
  const damaged = new IntegrityError('ERR_INJECT_DIGEST_MISMATCH', 'other bytes')
  const large = new LimitError('ERR_INJECT_TOO_LARGE', 'too large')
  const answers = (turn: (value: string) => (error: unknown) => string): string[] =>
    [absent, failed, inFile, damaged, large].map((error) => {
      try {
        return turn('value')(error)
      } catch (thrown) {
        expect(thrown).toBe(error)
        return 'thrown'
      }
    })
  expect(answers(ifAbsent)).toEqual(['value', 'thrown', 'thrown', 'thrown', 'thrown'])
  expect(answers(ifNoSuchPath)).toEqual(['value', 'thrown', 'value', 'thrown', 'thrown'])
  expect(answers(ifDamaged)).toEqual(['thrown', 'thrown', 'thrown', 'value', 'thrown'])
  expect(answers(ifUnfit)).toEqual(['value', 'thrown', 'thrown', 'value', 'value'])
})

it('A2 a sound file that was pushed in place of a damaged one is not moved aside for it', async () => {
  const root = await openTestRoot()
  const a = await root.createRepository('a')
  const digest = await pushBlob(a, 'content')
  const place = {root: root.directory, directory: join(root.directory, 'a')}
  const path = layoutPaths.blob(place.directory, digest)
  const held = (): Promise<void> => Promise.resolve()
  await quarantineIfDamaged(place, digest, held)
  expect(await inspectFile(path, {digest, size: 7})).toBe('sound')
  // of another file than the one that is there now
  await quarantine(place, digest, {dev: 1, ino: 1})
  expect(await inspectFile(path, {digest, size: 7})).toBe('sound')
  await writeFile(path, 'Content')
  await quarantineIfDamaged(place, digest, held)
  expect(await inspectFile(path, {digest, size: 7})).toBe('absent')
})

it('A14 a root that has gone is an error for all who ask it, and a write makes nothing in its place', async () => {
  const folder = await tempDir()
  const directory = join(folder, 'root')
  const root = await openRepositoryRoot(directory, {create: true})
  const a = await root.createRepository('a')
  const session = await a.startUpload()
  await session.append(streamOf(bytesOf('content')))
  await rename(directory, join(folder, 'away'))
  const gone = {code: 'ERR_INJECT_ROOT_GONE'}
  await expect(root.check()).rejects.toMatchObject(gone)
  await expect(root.openRepository('a')).rejects.toMatchObject(gone)
  await expect(root.createRepository('b')).rejects.toMatchObject(gone)
  await expect(root.listRepositories()[Symbol.asyncIterator]().next()).rejects.toThrow()
  const {digest} = nothing
  await expect(a.statBlob(digest)).rejects.toMatchObject({code: 'ERR_INJECT_LAYOUT_LOST'})
  const source = {open: () => streamOf(bytesOf('x'))}
  await expect(a.putBlob(source)).rejects.toMatchObject({name: 'LocalIoError'})
  await expect(session.append(streamOf(bytesOf('more')))).rejects.toThrow()
  await expect(rename(directory, join(folder, 'other'))).rejects.toThrow('ENOENT')
  // an empty folder, or another one that was served, is not it
  await mkdir(rootPaths.own(directory), {recursive: true})
  await expect(root.check()).rejects.toMatchObject(gone)
  await expect(root.openRepository('a')).rejects.toMatchObject(gone)
  await rename(directory, join(folder, 'other'))
  await rename(join(folder, 'away'), directory)
  await root.check()
  expect(await (await root.openRepository('a'))?.statBlob(digest)).toBeUndefined()
  await root.close()
})

it('A14 a layout whose folder vanishes is an error for a command that uses it, and not recreated', async () => {
  const folder = await tempDir()
  const directory = join(folder, 'layout')
  const store = await openLayoutStore(directory, {create: true})
  const source = {open: () => streamOf(bytesOf('x'))}
  const blob = await store.putBlob(source)
  await rename(directory, join(folder, 'away'))
  for (const work of [
    () => store.statBlob(blob.digest),
    () => store.openBlob(blob),
    () => store.putBlob(source),
  ])
    await expect(work()).rejects.toMatchObject({name: 'LocalIoError'})
  await rename(join(folder, 'away'), directory)
  expect(await store.statBlob(blob.digest)).toMatchObject({size: 1})
})
