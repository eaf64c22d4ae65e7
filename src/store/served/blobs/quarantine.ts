import {link, lstat, rename, rm, unlink} from 'node:fs/promises'
import {join} from 'node:path'
import {ifAbsent} from '../../../disk/error-answers.js'
import {errnoOf, localIoError} from '../../../disk/local-io-error.js'
import {ownedName} from '../../../disk/owned-name.js'
import {syncFolder} from '../../../disk/temp-file.js'
import {algorithmOf, type Digest, hexOf} from '../../../oci/digest.js'
import {inspectFile} from '../../layout/sound-file.js'
import {type RepositoryPlace} from '../../repository.js'
import {makeFolder} from '../../layout/create.js'
import {statFile} from '../../../disk/read-file.js'
import {layoutPaths} from '../../layout/paths.js'
import {rootPaths} from '../../layout/root-paths.js'
import type {FileStamp} from './sound-files.js'

/**
 * Reads a blob whole, and moves it out of the repository when its bytes are not what its name says,
 * so that it is not served any more and can be pushed again; what it held stays for anyone who
 * wants to look. Other repositories that share the file find out when they read it. Throws
 * `LocalIoError` where it cannot be read: then nothing moves. The caller must hold the layout's
 * lock; `confirm` throws when it does not any more.
 */
export async function quarantineIfDamaged(
  place: RepositoryPlace,
  digest: Digest,
  confirm: () => Promise<void>,
): Promise<void> {
  const path = layoutPaths.blob(place.directory, digest)
  const before = await statFile(path)
  if (before === undefined) return
  if ((await inspectFile(path, {digest, size: before.size})) !== 'damaged') return
  const after = await statFile(path)
  // somebody is writing into it, or has put another file in its place: what was read says nothing
  // of that
  if (after === undefined || !isSameFile(before, after) || before.size !== after.size) return
  await confirm()
  await quarantine(place, digest, before)
}

type FileIdentity = Pick<FileStamp, 'dev' | 'ino'>

/**
 * Moves a blob aside that is known to be damaged: the file that `bad` tells from one which was
 * pushed meanwhile. The caller must hold the layout's lock.
 */
export async function quarantine(
  {root, directory}: RepositoryPlace,
  digest: Digest,
  bad: FileIdentity,
): Promise<void> {
  const path = layoutPaths.blob(directory, digest)
  const folder = rootPaths.quarantine(root)
  const target = join(folder, ownedName(`${algorithmOf(digest)}-${hexOf(digest)}-`))
  try {
    await makeFolder(folder, root)
    const pooled = rootPaths.pooled(root, digest)
    const shared = await lstat(pooled).catch(ifAbsent(undefined))
    if (shared !== undefined && isSameFile(shared, bad)) await rm(pooled, {force: true})
    await rename(path, target).catch(ifAbsent(undefined))
    const moved = await lstat(target).catch(ifAbsent(undefined))
    if (moved === undefined) return
    if (!isSameFile(moved, bad)) await putBack(target, path)
    await syncFolder(folder)
  } catch (error) {
    throw localIoError(error, 'quarantine', path)
  }
}

/**
 * A push does not wait for the layout's lock: its file may have come between the look and the move.
 */
async function putBack(target: string, path: string): Promise<void> {
  await link(target, path).catch((error: unknown) => {
    // pushed once more
    if (errnoOf(error) !== 'EEXIST') throw error
  })
  await unlink(target)
}

function isSameFile(one: FileIdentity, other: FileIdentity): boolean {
  return one.dev === other.dev && one.ino === other.ino
}
