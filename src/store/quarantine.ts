import {lstat, rename, rm} from 'node:fs/promises'
import {join} from 'node:path'
import {localIoError} from '../disk/local-io-error.js'
import {ownedName} from '../disk/owned-name.js'
import {syncFolder} from '../disk/temp-file.js'
import {algorithmOf, type Digest, hexOf} from '../oci/digest.js'
import type {RepositoryPlace} from './blob-files.js'
import {makeFolder} from './layout-create.js'
import {isAbsent, layoutPaths} from './layout-files.js'
import {rootPaths} from './repository-paths.js'

/**
 * Moves a blob that is not what its name says out of the repository, so that it is not served any more and can be pushed again; what it held
 * stays for whoever wants to look. Other repositories that share the file find out when they read it. For who holds the layout's lock.
 */
export async function quarantine(
  {root, directory}: RepositoryPlace,
  digest: Digest,
): Promise<void> {
  const path = layoutPaths.blob(directory, digest)
  const folder = rootPaths.quarantine(root)
  const target = join(folder, ownedName(`${algorithmOf(digest)}-${hexOf(digest)}-`))
  try {
    await makeFolder(folder)
    const pooled = rootPaths.pooled(root, digest)
    const [bad, shared] = await Promise.all([lstat(path), lstat(pooled).catch(() => undefined)])
    if (shared?.ino === bad.ino) await rm(pooled, {force: true})
    await rename(path, target)
    await syncFolder(folder)
  } catch (error) {
    if (!isAbsent(error)) throw localIoError(error, 'quarantine', path)
  }
}
