import {join} from 'node:path'
import {ifDamaged} from '../disk/error-answers.js'
import {isDigest} from '../oci/digest.js'
import {dropFromPool} from '../store/served/blobs/blob-files.js'
import type {BlobInfo} from '../oci/descriptor.js'
import {statFile} from '../disk/read-file.js'
import {entriesOf} from './folders.js'
import {sitePaths} from './paths.js'

/**
 * Content that no repository has any more: the process that removed it from the last one was killed
 * before it came to the pool.
 */
export async function listUnusedInPool(site: string): Promise<readonly BlobInfo[]> {
  const unused: BlobInfo[] = []
  for (const {digest, path} of await pooledFiles(site)) {
    const stats = isDigest(digest) ? await statFile(path).catch(ifDamaged(undefined)) : undefined
    if (isDigest(digest) && stats?.nlink === 1) unused.push({digest, size: stats.size})
  }
  return unused
}

/** Removes unused files. A run that is linking one has it already, or writes it again. */
export async function sweepPool(site: string): Promise<void> {
  for (const {path} of await pooledFiles(site)) await dropFromPool(path)
}

async function pooledFiles(site: string): Promise<readonly {digest: string; path: string}[]> {
  const pool = sitePaths.pool(site)
  const files: {digest: string; path: string}[] = []
  for (const {name: algorithm} of await entriesOf(pool))
    for (const {name} of await entriesOf(join(pool, algorithm)))
      files.push({digest: `${algorithm}:${name}`, path: join(pool, algorithm, name)})
  return files
}
