import {copyFile, link, lstat, open, rename, rm, unlink} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {errnoOf, localIoError} from '../../../disk/local-io-error.js'
import {ownedName} from '../../../disk/owned-name.js'
import {syncFolder} from '../../../disk/temp-file.js'
import type {Digest} from '../../../oci/digest.js'
import type {BlobInfo} from '../../../oci/descriptor.js'
import {renewLease} from './lease.js'
import {makeFolder} from '../../layout/create.js'
import {isAbsent} from '../../../disk/error-answers.js'
import {statFile} from '../../../disk/read-file.js'
import {layoutPaths, tempPrefix} from '../../layout/paths.js'
import {rootPaths} from '../../layout/root-paths.js'
import {type FileStamp, type SoundFiles, stampOf} from './sound-files.js'
import type {RepositoryPlace} from '../../repository.js'
import {isSoundFile} from '../../layout/sound-file.js'

/**
 * Makes the file at `path`, whose bytes are durable and known to be those of `blob`, a blob of the
 * repository; afterwards it is nowhere else. Where the repository or another one of the root has
 * the same content in a sound file, that one is used: the bytes are on disk once. `state` is the
 * file's when our own writing ended, with the time of a lease: as long as it is that, the blob need
 * not be hashed when it is first read. `false` when the repository had it.
 */
export async function publishFile(
  path: string,
  blob: BlobInfo,
  {root, directory}: RepositoryPlace,
  {sound, state}: {readonly sound: SoundFiles; readonly state: FileStamp | undefined},
): Promise<boolean> {
  const target = layoutPaths.blob(directory, blob.digest)
  const pooled = rootPaths.pooled(root, blob.digest)
  await makeFolder(dirname(target), layoutPaths.blobs(directory))
  if ((await isSoundFile(target, blob)) && (await renewLease(target))) {
    await rm(path, {force: true})
    // its writer might not have come so far yet
    await syncFolder(dirname(target))
    return false
  }
  if ((await isSoundFile(pooled, blob)) && (await linkBlob(pooled, target))) {
    await rm(path, {force: true})
    return true
  }
  const before = await statFile(path)
  await renewLease(path, before)
  try {
    await rename(path, target)
  } catch (error) {
    throw localIoError(error, 'write', target)
  }
  await syncFolder(dirname(target))
  // only now: what still was an upload could be appended to, and others would share that
  await addToPool(target, pooled, root)
  const after = await statFile(target)
  if (state === undefined || before === undefined || after === undefined) return true
  // a name more is not a change of the bytes; a lease that was renewed may hide one
  const {dev, ino, size, mtimeMs} = after
  const isOurs = stampOf({dev, ino, size, mtimeMs, ctimeMs: state.ctimeMs}) === stampOf(state)
  if (isOurs && stampOf(before) === stampOf(state)) sound.add(blob.digest, after)
  return true
}

/**
 * Gives the blob at `source` another name in another repository, durable and leased; by copy where
 * the file system has no links, or no more of them. `false` when `source` is gone. The name comes
 * into being at once: nobody sees a part of a copy, which is made in `folder`, by default the
 * layout.
 */
export async function linkBlob(
  source: string,
  target: string,
  folder: string = dirname(dirname(dirname(target))),
): Promise<boolean> {
  const temporary = join(folder, ownedName(tempPrefix))
  try {
    await link(source, temporary).catch(async (error: unknown) => {
      if (!withoutLinks.has(errnoOf(error) ?? '')) throw error
      await copyFile(source, temporary)
      await syncFile(temporary)
    })
    if (!(await renewLease(temporary))) return false
    await rename(temporary, target)
    await syncFolder(dirname(target))
    return true
  } catch (error) {
    if (isAbsent(error)) return false
    throw localIoError(error, 'link', target)
  } finally {
    // a rename onto another name of the same file leaves both
    await rm(temporary, {force: true})
  }
}

/**
 * Removes the root's own name of a blob that no repository has any more; what somebody links at
 * this moment it has already.
 */
export async function dropFromPool(pooled: string): Promise<void> {
  try {
    if ((await lstat(pooled)).nlink === 1) await unlink(pooled)
  } catch (error) {
    if (!isAbsent(error)) throw localIoError(error, 'remove', pooled)
  }
}

/**
 * Removes a blob from a repository, and from the disk when no other one has it. `false` when there
 * was none. The caller must hold the layout's lock.
 */
export async function removeBlob(
  {root, directory}: RepositoryPlace,
  digest: Digest,
): Promise<boolean> {
  const path = layoutPaths.blob(directory, digest)
  try {
    await unlink(path)
  } catch (error) {
    if (isAbsent(error)) return false
    throw localIoError(error, 'remove', path)
  }
  await dropFromPool(rootPaths.pooled(root, digest))
  return true
}

const withoutLinks = new Set(['EMLINK', 'EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

/**
 * Gives a blob its name in the pool, in place of what has it. Not being in the pool costs space at
 * most, so it is not a failure.
 */
export async function addToPool(path: string, pooled: string, root: string): Promise<void> {
  try {
    await makeFolder(dirname(pooled), root)
    // one that is there is not sound, or has no links left
    await rm(pooled, {force: true})
    await link(path, pooled)
  } catch (error) {
    const code = errnoOf(error) ?? ''
    if (!withoutLinks.has(code) && !['EEXIST', 'ENOENT'].includes(code))
      throw localIoError(error, 'link', pooled)
  }
}

/** Makes the bytes of a file durable. */
export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r+').catch((error: unknown) => {
    throw localIoError(error, 'write', path)
  })
  try {
    await handle.sync()
  } catch (error) {
    throw localIoError(error, 'write', path)
  } finally {
    await handle.close()
  }
}
