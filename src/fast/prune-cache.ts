import {lstat, rm} from 'node:fs/promises'
import {join} from 'node:path'
import {localIoError} from '../disk/local-io-error.js'
import {clearDead} from '../disk/owned-name.js'
import type {Digest} from '../oci/digest.js'
import {compareTags} from '../store/tags.js'
import {isAbsent} from '../disk/error-answers.js'

import {mapAhead} from '../stream/map-ahead.js'
import {
  cacheAlgorithms,
  cachedDigest,
  cachePaths,
  cachePrefix,
  isCache,
  notACache,
} from './cache-files.js'
import {listFolder} from '../disk/names-in.js'

export interface CachePruneCounts {
  readonly blobs: number
  readonly bytes: number
}

interface CachedBlob {
  readonly digest: Digest
  readonly size: number
  readonly usedAt: number
}

/**
 * Removes blobs from a cache, those first that were not used for longest, until the rest has at
 * most `maxBytes`. Works while others use the cache: what they have taken from it stays theirs.
 * Throws `PreconditionError` (`ERR_INJECT_NOT_A_CACHE`) and `LocalIoError`.
 */
export async function pruneCache(
  directory: string,
  {maxBytes, dryRun}: {readonly maxBytes: number; readonly dryRun: boolean},
  signal: AbortSignal,
): Promise<{readonly removed: CachePruneCounts; readonly kept: CachePruneCounts}> {
  if (!(await isCache(directory)))
    throw notACache(directory, 'name one that was given as --cache before')
  if (!dryRun)
    for (const algorithm of cacheAlgorithms)
      await clearDead(join(directory, algorithm), cachePrefix)
  const blobs = await listBlobs(directory)
  // of equal age in the order of their names, so that a dry run says what will be
  blobs.sort((a, b) => a.usedAt - b.usedAt || compareTags(a.digest, b.digest))
  let bytes = blobs.reduce((sum, {size}) => sum + size, 0)
  const removed = {blobs: 0, bytes: 0}
  for (const {digest, size} of blobs) {
    if (bytes <= maxBytes) break
    signal.throwIfAborted()
    if (!dryRun) await remove(cachePaths.blob(directory, digest))
    bytes -= size
    removed.blobs++
    removed.bytes += size
  }
  return {removed, kept: {blobs: blobs.length - removed.blobs, bytes}}
}

async function listBlobs(directory: string): Promise<CachedBlob[]> {
  const blobs: CachedBlob[] = []
  for (const algorithm of cacheAlgorithms) {
    const folder = join(directory, algorithm)
    const digests = ((await listFolder(folder)) ?? []).flatMap(
      (name) => cachedDigest(algorithm, name) ?? [],
    )
    const look = (digest: Digest) => describeBlob(directory, digest)
    for await (const blob of mapAhead(digests, look)) if (blob) blobs.push(blob)
  }
  return blobs
}

async function describeBlob(directory: string, digest: Digest): Promise<CachedBlob | undefined> {
  const path = cachePaths.blob(directory, digest)
  try {
    const {size, atimeMs} = await lstat(path)
    return {digest, size, usedAt: atimeMs}
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw localIoError(error, 'read', path)
  }
}

async function remove(path: string): Promise<void> {
  await rm(path, {force: true}).catch((error: unknown) => {
    throw localIoError(error, 'remove', path)
  })
}
