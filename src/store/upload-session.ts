import {constants} from 'node:fs'
import {type FileHandle, open, rm} from 'node:fs/promises'
import {errnoOf, localIoError} from '../disk/local-io-error.js'
import {IntegrityError, NotFoundError, PreconditionError} from '../errors.js'
import {algorithmOf, type Digest, type DigestAlgorithm} from '../oci/digest.js'
import {abortable} from '../stream/abortable.js'
import {appendStream} from './append-stream.js'
import {publishFile, type RepositoryPlace, syncFile} from './blob-files.js'
import {readFileStream, statFile} from './layout-files.js'
import type {UploadSession} from './repository.js'
import {repositoryPaths} from './repository-paths.js'
import type {SoundFiles} from './sound-files.js'
import {createUploadHash, restoreUploadHash, type UploadHash} from './upload-hash.js'
import {dropUploadState, loadUploadState, saveUploadState} from './upload-state.js'

/** What this process knows of a session. One value for each session, however many requests ask for it. */
export interface LiveUpload {
  /** Bytes in the file. */
  size: number
  busy: boolean
  /** Of the bytes in the file, or of the first of them; `undefined` when none of the hashes seen so far can go on. */
  hash: UploadHash | undefined
}

export interface UploadSessionOptions {
  readonly id: string
  readonly upload: LiveUpload
  readonly place: RepositoryPlace
  /** The repository's, for messages. */
  readonly name: string
  readonly sound: SoundFiles
  /** Called when the session is over. */
  readonly forget: () => void
}

/**
 * A session over a file that grows. While one process receives the content in one stream it hashes at full speed. A session that receives ranges, or has
 * outlived a process, is one that may be gone on with elsewhere: its hash is of the kind that can be stored, and is, after each range.
 */
export function createUploadSession(options: UploadSessionOptions): UploadSession {
  const {id, upload, place, name, sound, forget} = options
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
    const flags = constants.O_WRONLY | constants.O_NOFOLLOW
    const handle = await open(path, flags).catch((error: unknown) => {
      throw errnoOf(error) === 'ENOENT' ? unknown(id, name) : localIoError(error, 'write', path)
    })
    return handle
  }

  /** Which hash goes on with what comes now. */
  const chooseHash = async (isRange: boolean): Promise<UploadHash | undefined> => {
    const {hash, size} = upload
    const isStorable = hash?.save() !== undefined
    if (hash?.size === size && (isStorable || !(isRange && size === 0))) return hash
    if (size === 0) return restoreUploadHash(hash?.algorithm ?? 'sha256')
    const stored = await loadUploadState(statePath, size)
    const start = stored ?? (await restoreUploadHash(hash?.algorithm ?? 'sha256'))
    return start && catchUp(start, path, size)
  }

  const remove = async (): Promise<void> => {
    forget()
    await removeUpload(place.directory, id)
  }

  const digestOfAll = async (algorithm: DigestAlgorithm): Promise<Digest> => {
    const {hash, size} = upload
    if (hash?.algorithm === algorithm && hash.size === size) return hash.digest()
    const stored = await loadUploadState(statePath, size)
    const start = stored?.algorithm === algorithm ? stored : createUploadHash(algorithm)
    return (await catchUp(start, path, size)).digest()
  }

  return {
    id,
    get offset() {
      return upload.size
    },

    append: (stream, {at, signal} = {}) =>
      exclusively(async () => {
        signal?.throwIfAborted()
        if (at !== undefined && at !== upload.size) throw outOfOrder(id, upload.size, at)
        const handle = await openFile()
        try {
          upload.hash = await chooseHash(at !== undefined)
          await appendStream(abortable(stream, signal), {handle, path, upload})
        } finally {
          await handle.close()
          // a failure to store it costs time later, nothing else
          if (upload.hash?.size === upload.size)
            await saveUploadState(statePath, upload.hash).catch(() => dropUploadState(statePath))
        }
        return upload.size
      }),

    finish: (expected, {signal} = {}) =>
      exclusively(async () => {
        signal?.throwIfAborted()
        const stats = await statFile(path)
        if (stats === undefined) throw unknown(id, name)
        // somebody else's doing; what is in the file counts
        if (stats.size !== upload.size) {
          upload.size = stats.size
          upload.hash = undefined
        }
        const found = await digestOfAll(algorithmOf(expected))
        if (found !== expected) {
          await remove()
          throw mismatch(id, name, expected, found)
        }
        const blob = {digest: expected, size: upload.size}
        await syncFile(path)
        await publishFile(path, blob, place, sound)
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
