import type {Stats} from 'node:fs'
import {lstat, mkdir, rm, utimes} from 'node:fs/promises'
import {join} from 'node:path'
import {writeFileAtomic} from '../disk/atomic-file.js'
import {localIoError} from '../disk/local-io-error.js'
import {clearDead} from '../disk/owned-name.js'
import {writeTempFile} from '../disk/temp-file.js'
import {IntegrityError} from '../errors.js'
import {algorithmOf, type Digest, hexOf} from '../oci/digest.js'
import type {ByteStream} from '../store/content-store.js'
import {isAbsent} from '../store/layout-files.js'
import {
  cacheAlgorithms,
  cachePaths,
  cachePrefix,
  cacheTag,
  isCache,
  notACache,
} from './cache-files.js'
import {listFolder} from './fast-files.js'
import {createFileHasher, type FileHasher} from './file-hasher.js'
import {placeFile} from './place-file.js'

/** Content by its digest, shared by any number of processes. */
export interface BlobCache {
  /**
   * Makes `target` a file with this content: of the cache, whose file is read and checked each time, else of `open`, which goes into the cache as well. Says whether the cache had it.
   */
  place(
    digest: Digest,
    target: string,
    open: () => Promise<ByteStream>,
    signal: AbortSignal,
  ): Promise<boolean>
  /** Whether there is something under its name; what it is, `place` finds out. */
  has(digest: Digest): Promise<boolean>
  /** Ends its threads. */
  close(): Promise<void>
}

/** The cache in a folder, which is made where it is not there; `threads` read it. Throws `LocalIoError`, and `PreconditionError` for a folder that holds something else. */
export async function openBlobCache(
  directory: string,
  {threads}: {readonly threads: number},
): Promise<BlobCache> {
  await prepare(directory)
  const hasher = createFileHasher(threads)
  return {
    close: () => hasher.close(),
    has: async (digest) => (await statPath(cachePaths.blob(directory, digest))) !== undefined,
    async place(digest, target, open, signal) {
      const path = cachePaths.blob(directory, digest)
      if (await takeSound({path, digest, target}, hasher, signal)) return true
      await mkdir(cachePaths.folder(directory, digest), {recursive: true}).catch(
        (error: unknown) => {
          throw localIoError(error, 'write', directory)
        },
      )
      const file = await writeTempFile(await open(), {
        folder: cachePaths.folder(directory, digest),
        prefix: cachePrefix,
        algorithm: algorithmOf(digest),
        // it is the same file wherever it is linked to: nobody should write into it by mistake
        mode: 0o444,
      })
      try {
        if (file.digest !== digest) throw otherContent(digest, file.digest)
        // before the cache has it: there somebody may remove it at once
        await placeFile(file.path, target)
        await file.commit(path)
      } finally {
        await file.discard()
      }
      return false
    },
  }
}

/** Whether the cache had the content, and `target` has it now. What is in the cache under its name and is something else is removed. */
async function takeSound(
  {path, digest, target}: {path: string; digest: Digest; target: string},
  hasher: FileHasher,
  signal: AbortSignal,
): Promise<boolean> {
  const stats = await statPath(path)
  if (!stats?.isFile()) {
    if (stats) await remove(path)
    return false
  }
  try {
    await placeFile(path, target)
  } catch (error) {
    // somebody has removed it in this moment
    if (isAbsent(error instanceof Error ? error.cause : undefined)) return false
    throw error
  }
  // what was taken is looked at, not what has that name in the cache by now
  const isSound = await hasher.hash(target, algorithmOf(digest), signal).then(
    ({hex}) => hex === hexOf(digest),
    async (error: unknown) => {
      await remove(target)
      throw localIoError(error, 'read', target)
    },
  )
  if (!isSound) {
    await remove(target)
    await remove(path)
    return false
  }
  // the time of its last use; the other one is that of everything it is linked to
  await utimes(path, Date.now() / 1000, stats.mtime).catch(() => undefined)
  return true
}

/** `undefined` where there is nothing. */
function statPath(path: string): Promise<Stats | undefined> {
  return lstat(path).catch((error: unknown) => {
    if (isAbsent(error)) return undefined
    throw localIoError(error, 'read', path)
  })
}

async function prepare(directory: string): Promise<void> {
  try {
    await mkdir(directory, {recursive: true})
  } catch (error) {
    throw localIoError(error, 'create', directory)
  }
  if (!(await isCache(directory))) {
    const names = (await listFolder(directory)) ?? []
    if (names.some((name) => name !== cacheTag.name && !name.startsWith(cachePrefix)))
      throw notACache(directory)
    await writeFileAtomic(join(directory, cacheTag.name), cacheTag.content, {prefix: cachePrefix})
  }
  await clearDead(directory, cachePrefix)
  for (const algorithm of cacheAlgorithms) await clearDead(join(directory, algorithm), cachePrefix)
}

async function remove(path: string): Promise<void> {
  await rm(path, {force: true, recursive: true}).catch((error: unknown) => {
    throw localIoError(error, 'remove', path)
  })
}

function otherContent(expected: Digest, found: Digest): IntegrityError {
  const message = `content for the cache is not what its digest names: expected ${expected}, found ${found}`
  return new IntegrityError('ERR_INJECT_DIGEST_MISMATCH', message, {expected, found})
}
