import type {Stats} from 'node:fs'
import {rename} from 'node:fs/promises'
import {dirname} from 'node:path'
import {localIoError} from '../../../disk/local-io-error.js'
import {clearDead} from '../../../disk/owned-name.js'
import type {Digest} from '../../../oci/digest.js'
import {abortable} from '../../../stream/bytes.js'
import {linkBlob, publishFile, syncFile} from './blob-files.js'
import {isSoundFile} from '../../layout/sound-file.js'
import {type RepositoryPlace, type Repository} from '../../repository.js'
import {renewLease} from './lease.js'
import {blobNotFound} from '../../store-errors.js'
import {openBlobFile} from './blob-reading.js'
import type {BlobReader, BlobWriter} from '../../content-store.js'
import type {BlobInfo} from '../../../oci/descriptor.js'
import {makeFolder, refuseLostBlobs} from '../../layout/create.js'
import {isAbsent} from '../../../disk/error-answers.js'
import {readFileStream, statFile} from '../../../disk/read-file.js'
import {layoutPaths, tempPrefix} from '../../layout/paths.js'
import {quarantineIfDamaged} from './quarantine.js'
import {repositoryPaths} from '../../layout/root-paths.js'
import type {LockQueue} from './lock-queue.js'
import type {SoundFiles} from './sound-files.js'
import {writeBlobContent} from '../../layout/write-blob-content.js'

export type RepositoryBlobs = Omit<BlobReader, 'openBlob'> &
  BlobWriter &
  Pick<Repository, 'openBlob' | 'openBlobRange'> & {
    /** Links the blob of the layout in the folder `from`; `false` when that has none. */
    linkFrom(digest: Digest, from: string): Promise<boolean>
  }

export interface RepositoryBlobsOptions {
  readonly place: RepositoryPlace
  /** For messages. */
  readonly name: string
  readonly lockQueue: LockQueue
  readonly sound: SoundFiles
  /** Nothing is written: no leases, and what is damaged stays where it is. */
  readonly readOnly?: boolean | undefined
}

/** The blobs of one repository. Whatever is asked for, put or read gets a lease. */
export function createRepositoryBlobs(options: RepositoryBlobsOptions): RepositoryBlobs {
  const {place, name, lockQueue, sound, readOnly = false} = options
  const {directory} = place
  const pathOf = (digest: Digest): string => layoutPaths.blob(directory, digest)
  const withLayout = <T>(
    work: Parameters<typeof lockQueue<T>>[1],
    signal?: AbortSignal,
  ): Promise<T> => lockQueue(layoutPaths.lock(directory), work, {signal})
  let cleared: Promise<unknown> | undefined

  /** `false` when it is gone. */
  const lease = async (digest: Digest, stats: Stats): Promise<boolean> =>
    readOnly || (await renewLease(pathOf(digest), stats))

  /**
   * `undefined` when absent. A blob that a collector has in hand is not absent before it has
   * decided, or was killed.
   */
  const findBlob = async (digest: Digest, signal?: AbortSignal): Promise<BlobInfo | undefined> => {
    const path = pathOf(digest)
    const stats = await statFile(path)
    if (stats !== undefined && (await lease(digest, stats))) return {digest, size: stats.size}
    await refuseLostBlobs(directory, name)
    if (readOnly) return undefined
    if ((await statFile(repositoryPaths.inHand(directory, digest))) === undefined) return undefined
    await withLayout(() => putBack(directory, digest), signal)
    const restored = await statFile(path)
    if (restored === undefined || !(await lease(digest, restored))) return undefined
    return {digest, size: restored.size}
  }

  /** Whether it is the file that is wrong, not what the caller took it for. */
  const suspect = async (digest: Digest): Promise<void> => {
    if (readOnly) return
    await withLayout(({confirm}) => quarantineIfDamaged(place, digest, confirm))
  }

  return {
    async statBlob(digest, {signal} = {}) {
      signal?.throwIfAborted()
      return findBlob(digest, signal)
    },

    async openBlob(blob, options = {}) {
      const {signal} = options
      signal?.throwIfAborted()
      const {digest} = blob
      if ((await findBlob(digest, signal)) === undefined) throw blobNotFound(digest, name)
      const file = {blob, path: pathOf(digest), name, sound, onDamage: () => suspect(digest)}
      return openBlobFile(file, options)
    },

    async openBlobRange(blob, {first, last}, {signal, ...reading} = {}) {
      signal?.throwIfAborted()
      const found = await findBlob(blob.digest, signal)
      if (found === undefined) throw blobNotFound(blob.digest, name)
      const range = {first, end: last + 1, ...reading}
      return abortable(readFileStream(pathOf(blob.digest), range), signal)
    },

    async putBlob(source, {expected, signal} = {}) {
      signal?.throwIfAborted()
      await (cleared ??= clearDead(directory, tempPrefix))
      if (expected !== undefined && (await findBlob(expected.digest, signal)) !== undefined) {
        if (await isSoundFile(pathOf(expected.digest), expected))
          return {digest: expected.digest, size: expected.size, written: false}
      }
      const file = await writeBlobContent(directory, source, {expected, signal})
      try {
        const blob = {digest: file.digest, size: file.size}
        signal?.throwIfAborted()
        await syncFile(file.path)
        await renewLease(file.path)
        const state = await statFile(file.path)
        return {...blob, written: await publishFile(file.path, blob, place, {sound, state})}
      } finally {
        // closes it; the name is gone already
        await file.discard()
      }
    },

    async linkFrom(digest, from) {
      const source = layoutPaths.blob(from, digest)
      if ((await statFile(source)) === undefined) return false
      if ((await findBlob(digest)) !== undefined) return true
      await makeFolder(dirname(pathOf(digest)), layoutPaths.blobs(directory))
      return linkBlob(source, pathOf(digest))
    },
  }
}

/**
 * Puts back into a repository what a collector that was killed had in hand. The caller must hold
 * the layout's lock: then no living one has.
 */
export async function putBack(directory: string, digest: Digest): Promise<void> {
  const path = repositoryPaths.inHand(directory, digest)
  try {
    await rename(path, layoutPaths.blob(directory, digest))
  } catch (error) {
    if (!isAbsent(error)) throw localIoError(error, 'put back', path)
  }
}
