import {constants} from 'node:fs'
import {type FileHandle, open, rm} from 'node:fs/promises'
import {quietly} from '../../../disk/error-answers.js'
import {errnoOf, localIoError} from '../../../disk/local-io-error.js'
import {IntegrityError, NotFoundError, PreconditionError} from '../../../errors.js'
import {algorithmOf, type Digest, type DigestAlgorithm, digestOf} from '../../../oci/digest.js'
import {abortable} from '../../../stream/bytes.js'
import {appendStream} from './append-stream.js'
import {publishFile, syncFile} from '../blobs/blob-files.js'
import {isSoundFile} from '../../layout/sound-file.js'
import {type RepositoryPlace, type UploadSession} from '../../repository.js'
import {leaseTime} from '../blobs/lease.js'
import {readFileStream, statFile} from '../../../disk/read-file.js'
import type {ByteStream} from '../../content-store.js'
import {begun} from '../../layout/first-chunk.js'
import {repositoryPaths} from '../../layout/root-paths.js'
import {type FileStamp, type SoundFiles, stampOf} from '../blobs/sound-files.js'
import {createUploadHash, restoreUploadHash, type UploadHash} from './hash.js'
import {dropUploadState, loadUploadState, saveUploadState} from './state.js'
import type {LiveUpload} from './live-upload.js'

export interface UploadSessionOptions {
  readonly id: string
  readonly upload: LiveUpload
  readonly place: RepositoryPlace
  /** The repository's, for messages. */
  readonly name: string
  readonly sound: SoundFiles
  /** Makes the file of a pending session, and the repository where there is none. */
  readonly begin: () => Promise<void>
  /**
   * Called with every growth of the file, while it is written. Throws `LimitError` for what is not
   * taken.
   */
  readonly onGrowth: () => Promise<void>
  /** Called when the session is over. */
  readonly forget: () => void
}

/**
 * A session over a file that grows. While one process receives the content in one stream it hashes
 * at full speed. A session that receives ranges, or has outlived a process, is one that may be gone
 * on with elsewhere: its hash is of the kind that can be stored, and is, after each range.
 */
export function createUploadSession(options: UploadSessionOptions): UploadSession {
  const {id, upload, place, name, sound, begin, onGrowth, forget} = options
  const path = repositoryPaths.upload(place.directory, id)
  const statePath = repositoryPaths.uploadState(place.directory, id)

  const exclusively = async <T>(work: () => Promise<T>): Promise<T> => {
    if (upload.busy) throw busy(id, name)
    upload.busy = true
    try {
      return await work()
    } finally {
      upload.busy = false
    }
  }

  const openFile = async (): Promise<FileHandle> => {
    // O_NONBLOCK: opening a FIFO would wait for a reader
    const flags = constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
    const handle = await open(path, flags).catch((error: unknown) => {
      throw errnoOf(error) === 'ENOENT' ? unknown(id, name) : localIoError(error, 'write', path)
    })
    return handle
  }

  /** When somebody else has changed the file, what is in it counts, and none of the hashes. */
  const follow = async (found: FileStamp): Promise<void> => {
    if (upload.state !== undefined && stampOf(upload.state) === stampOf(found)) return
    const {hash} = upload
    const stored = upload.state === undefined ? await loadUploadState(statePath, found) : undefined
    upload.size = found.size
    upload.hash = stored ?? (found.size === 0 && hash?.size === 0 ? hash : undefined)
    upload.algorithm = hash?.algorithm ?? upload.algorithm
    upload.state = upload.hash && found
    if (upload.hash === undefined) await dropUploadState(statePath)
  }

  /** Which hash goes on with what comes now. */
  const chooseHash = async (isRange: boolean): Promise<UploadHash | undefined> => {
    const {hash, size, algorithm} = upload
    const isStorable = hash?.save() !== undefined
    if (hash?.size === size && (isStorable || !(isRange && size === 0))) return hash
    const start = await restoreUploadHash(algorithm)
    return start && catchUp(start, path, size)
  }

  const remove = async (): Promise<void> => {
    forget()
    if (!upload.isPending) await removeUpload(place.directory, id)
  }

  /**
   * The stream for a session that has a file; `undefined` when nothing comes for one that has none.
   */
  const startOf = async (stream: ByteStream): Promise<ByteStream | undefined> => {
    if (!upload.isPending) return stream
    const content = await begun(stream)
    try {
      if (content !== undefined) await begin()
      return content?.stream
    } catch (error) {
      if (content !== undefined) await quietly(content.end())
      throw error
    }
  }

  const beginEmpty = async (expected: Digest): Promise<void> => {
    const found = digestOf(new Uint8Array(0), algorithmOf(expected))
    if (found === expected) return begin()
    forget()
    throw mismatch(id, name, expected, found)
  }

  const digestOfAll = async (algorithm: DigestAlgorithm): Promise<Digest> => {
    const {hash, size} = upload
    if (hash?.algorithm === algorithm && hash.size === size) return hash.digest()
    return (await catchUp(createUploadHash(algorithm), path, size)).digest()
  }

  return {
    id,
    get offset() {
      return upload.size
    },

    append: (stream, {at, isLast = false, signal} = {}) =>
      exclusively(async () => {
        signal?.throwIfAborted()
        if (at !== undefined && upload.isPending && at !== 0) throw outOfOrder(id, 0, at)
        const content = await startOf(abortable(stream, signal))
        if (content === undefined) return upload.size
        const handle = await openFile()
        let isWriting = false
        try {
          const found = await handle.stat()
          await follow(found)
          if (at !== undefined && at !== upload.size) throw outOfOrder(id, upload.size, at)
          upload.hash = await chooseHash(at !== undefined && !isLast)
          upload.algorithm = upload.hash?.algorithm ?? upload.algorithm
          // changed while it was read again: then all of it is, at the end
          if (stampOf(await handle.stat()) !== stampOf(found)) upload.hash = undefined
          isWriting = true
          await appendStream(content, {handle, path, upload, onGrowth})
        } finally {
          if (isWriting) upload.state = await stateAfter(handle)
          await handle.close()
          // a failure to store it costs time later, nothing else
          if (isWriting && upload.hash?.size === upload.size && upload.state !== undefined)
            await quietly(storeState(statePath, upload.hash, upload.state))
        }
        return upload.size
      }),

    finish: (expected, {signal} = {}) =>
      exclusively(async () => {
        signal?.throwIfAborted()
        if (upload.isPending) await beginEmpty(expected)
        const stats = await statFile(path)
        if (stats === undefined) throw unknown(id, name)
        await follow(stats)
        const found = await digestOfAll(algorithmOf(expected))
        const blob = {digest: expected, size: upload.size}
        await syncFile(path)
        const last = await statFile(path)
        const isSteady = last !== undefined && stampOf(last) === stampOf(stats)
        if (found !== expected || !(isSteady || (await isSoundFile(path, blob)))) {
          await remove()
          throw mismatch(id, name, expected, found)
        }
        await publishFile(path, blob, place, {sound, state: upload.state})
        await remove()
        return blob
      }),

    cancel: () => exclusively(remove),
  }
}

/** Removes all files of a session; none there is fine. */
export async function removeUpload(directory: string, id: string): Promise<void> {
  await rm(repositoryPaths.upload(directory, id), {force: true})
  await dropUploadState(repositoryPaths.uploadState(directory, id))
}

/** Or nothing, where it cannot be stored. */
async function storeState(path: string, hash: UploadHash, file: FileStamp): Promise<void> {
  try {
    await saveUploadState(path, hash, file)
  } catch (error) {
    await dropUploadState(path)
    throw error
  }
}

/**
 * The file's state when we have written to it, with the time of a lease: a write by somebody else
 * shows from now on.
 */
async function stateAfter(handle: FileHandle): Promise<FileStamp | undefined> {
  try {
    const time = leaseTime()
    await handle.utimes(time, time)
    return await handle.stat()
  } catch (error) {
    // without it the bytes are hashed again at the end
    if (errnoOf(error) === undefined) throw error
    return undefined
  }
}

/** The hash, after it has seen the rest of the first `size` bytes of the file. */
async function catchUp(hash: UploadHash, path: string, size: number): Promise<UploadHash> {
  for await (const chunk of readFileStream(path, {first: hash.size, end: size, recycle: true}))
    hash.update(chunk)
  return hash
}

function busy(id: string, name: string): PreconditionError {
  const message = `another request adds to upload ${id} of ${name}`
  return new PreconditionError('ERR_INJECT_UPLOAD_BUSY', message)
}

function outOfOrder(id: string, expected: number, found: number): PreconditionError {
  const message = `upload ${id} goes on at byte ${expected}, not at ${found}`
  return new PreconditionError('ERR_INJECT_UPLOAD_OUT_OF_ORDER', message, {expected, found})
}

function unknown(id: string, name: string): NotFoundError {
  return new NotFoundError('ERR_INJECT_UPLOAD_NOT_FOUND', `${name} has no upload ${id}`)
}

function mismatch(id: string, name: string, expected: Digest, found: Digest): IntegrityError {
  const message = `upload ${id} of ${name} is not what its digest names: expected ${expected}, found ${found}`
  return new IntegrityError('ERR_INJECT_DIGEST_MISMATCH', message, {expected, found})
}
