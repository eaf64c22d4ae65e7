import type {Stats} from 'node:fs'
import {lstat, lutimes, mkdir, rename, rm} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {writeFileAtomic} from '../disk/atomic-file.js'
import {localIoError} from '../disk/local-io-error.js'
import {clearDead, ownedName} from '../disk/owned-name.js'
import {syncFolder, writeTempFile} from '../disk/temp-file.js'
import {InjectError} from '../errors.js'
import {algorithmOf, type Digest, hexOf} from '../oci/digest.js'
import type {ByteStream} from '../store/content-store.js'
import {isAbsent, quietly} from '../disk/error-answers.js'
import {readFileStream} from '../disk/read-file.js'
import {abortable} from '../stream/bytes.js'
import {
  cacheAlgorithms,
  cachePaths,
  cachePrefix,
  cacheTag,
  isCache,
  notACache,
} from './cache-files.js'
import {listFolder} from '../disk/names-in.js'
import {createFileHasher, type FileHasher} from './file-hasher.js'
import {placeFile} from './place-file.js'

/** Content to have; without `size` nobody knows how long it is. */
export interface CachedContent {
  readonly digest: Digest
  readonly size?: number | undefined
}

/** Content by its digest, shared by any number of processes. */
export interface BlobCache {
  /**
   * Makes `target`, in a folder of this process's own, a file with this content: of the cache,
   * whose file is read and checked each time, else of `open`, which goes into the cache as well. It
   * is the cache's file only where nobody else can write to that. Says whether the cache had it.
   * The stream of `open` must fail before its end where the bytes are other ones, as that of
   * `openBlob` does: it is not hashed again.
   */
  place(
    content: CachedContent,
    target: string,
    open: () => Promise<ByteStream>,
    signal: AbortSignal,
  ): Promise<boolean>
  /** Whether there is something under its name; what it is, `place` finds out. */
  has(digest: Digest): Promise<boolean>
  /** Ends its threads. */
  close(): Promise<void>
}

/**
 * The cache in a folder, which is made where it is not there; `threads` read it. Throws
 * `LocalIoError`, and `PreconditionError` for a folder that holds something else.
 */
export async function openBlobCache(
  directory: string,
  {threads}: {readonly threads: number},
): Promise<BlobCache> {
  await prepare(directory)
  const hasher = createFileHasher(threads)
  return {
    close: () => hasher.close(),
    has: async (digest) => (await statPath(cachePaths.blob(directory, digest))) !== undefined,
    async place({digest, size}, target, open, signal) {
      const path = cachePaths.blob(directory, digest)
      if (await takeSound({path, digest, size, target}, hasher, signal)) return true
      await mkdir(dirname(path), {recursive: true}).catch((error: unknown) => {
        throw localIoError(error, 'write', directory)
      })
      await writeOwn(await open(), {digest, isChecked: true}, target)
      await keep(target, path)
      return false
    },
  }
}

/**
 * Makes `target` a file with these bytes if they are the right ones. Returns the digest that they
 * have.
 */
async function writeOwn(
  content: ByteStream,
  {digest, isChecked}: {readonly digest: Digest; readonly isChecked: boolean},
  target: string,
): Promise<Digest> {
  const file = await writeTempFile(content, {
    // not in the cache: anyone who owns that could put another file in place of one that was
    // checked
    folder: dirname(target),
    prefix: cachePrefix,
    algorithm: algorithmOf(digest),
    known: isChecked ? digest : undefined,
    // it is the same file wherever it is linked to: nobody should write into it by mistake
    mode: 0o444,
  })
  try {
    if (file.digest === digest) await file.commit(target)
    return file.digest
  } finally {
    await file.discard()
  }
}

/** Gives the cache a file under its name, instead of what has that name now. */
async function keep(file: string, path: string): Promise<void> {
  const temporary = join(dirname(path), ownedName(cachePrefix))
  try {
    await placeFile(file, temporary)
    await rename(temporary, path)
    await syncFolder(dirname(path))
  } catch (error) {
    await quietly(rm(temporary, {force: true}))
    throw localIoError(error, 'write', path)
  }
}

/**
 * Whether the cache had the content, and `target` has it now. What is in the cache under its name
 * and is something else is removed.
 */
async function takeSound(
  {path, digest, size, target}: CachedContent & {path: string; target: string},
  hasher: FileHasher,
  signal: AbortSignal,
): Promise<boolean> {
  const stats = await statPath(path)
  if (!stats?.isFile()) {
    if (stats) await remove(path)
    return false
  }
  // what says so may be wrong itself: it stays until there is something better
  if (size !== undefined && stats.size !== size) return false
  try {
    if (!isOnlyOurs(stats)) return await copySound({path, digest, size, target}, signal)
    await placeFile(path, target)
  } catch (error) {
    // somebody has removed it in this moment
    if (isAbsent(error instanceof Error ? error.cause : undefined)) return false
    throw error
  }
  // another file than the one looked at, by somebody who can rename in the cache
  const taken = await statPath(target)
  if (!taken || !isOnlyOurs(taken)) {
    await remove(target)
    return false
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
  await quietly(lutimes(path, Date.now() / 1000, stats.mtime))
  return true
}

/**
 * The same for a file that somebody else could change after it was checked: a copy is what is
 * checked.
 */
async function copySound(
  {path, digest, size, target}: CachedContent & {path: string; target: string},
  signal: AbortSignal,
): Promise<boolean> {
  // nothing would say how much is to be copied at most
  if (size === undefined) return false
  try {
    const content = abortable(readFileStream(path, {end: size}), signal)
    return (await writeOwn(content, {digest, isChecked: false}, target)) === digest
  } catch (error) {
    // not to be read, or another thing by now: it can be had again
    if (error instanceof InjectError) return false
    throw error
  }
}

/** Whether it is a file that nobody but this user (and root) can write to, or make writable. */
function isOnlyOurs(stats: Stats): boolean {
  const user = process.geteuid?.() ?? stats.uid
  return stats.isFile() && stats.uid === user && (stats.mode & 0o022) === 0
}

/** `undefined` if there is nothing. */
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
    // the tag comes first: whatever another run may have put there meanwhile, it is with that
    if (names.some((name) => !name.startsWith(cachePrefix)) && !(await isCache(directory)))
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
