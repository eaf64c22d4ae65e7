// Where things are in an OCI image layout, and how its files are read. The only file that knows the
// paths.
// https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md#content
import {constants, type Stats} from 'node:fs'
import {type FileHandle, lstat, open} from 'node:fs/promises'
import {isAbsent, quietly} from './error-answers.js'
import {errnoOf, localIoError} from './local-io-error.js'
import {IntegrityError} from '../errors.js'
import {quoted} from '../oci/quoted.js'

/**
 * `undefined` when there is nothing. Throws `IntegrityError` (`ERR_INJECT_LAYOUT_INVALID`) for a
 * link, folder or device: a layout holds files.
 */
export async function statFile(path: string): Promise<Stats | undefined> {
  try {
    const stats = await lstat(path)
    if (!stats.isFile()) throw notRegular(path)
    return stats
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw localIoError(error, 'read', path)
  }
}

export interface ReadOptions {
  readonly first?: number | undefined
  /** Throws `IntegrityError` (`ERR_INJECT_SIZE_MISMATCH`) when the file ends before. */
  readonly end?: number | undefined
  /**
   * A chunk is the consumer's until it asks for the next but one; then its memory is used again.
   * Without it the consumer keeps what it gets.
   */
  readonly recycle?: boolean | undefined
  /** Bytes of a chunk; 256 KiB, twice that with `recycle`. */
  readonly chunkSize?: number | undefined
}

/**
 * The bytes of a regular file from its first, or those from `first` to before `end`, reading ahead
 * by one chunk. Opened when the first chunk is asked for; links are not followed.
 */
export async function* readFileStream(
  path: string,
  {first = 0, end, recycle = false, chunkSize}: ReadOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const most = chunkSize ?? (recycle ? 2 * usualChunk : usualChunk)
  const handle = await openRegular(path)
  const memories: Buffer[] = []
  let position = first
  const readNext = async (): Promise<Uint8Array> => {
    const length = Math.min(most, (end ?? Infinity) - position)
    if (length <= 0) return new Uint8Array(0)
    // one is read into, one is in the consumer's hand, one is what it had before
    const old = recycle && memories.length === 3 ? memories.shift() : undefined
    const memory = old ?? Buffer.allocUnsafeSlow(length)
    if (recycle) memories.push(memory)
    const chunk = await readChunk(handle, path, memory.subarray(0, length), position)
    position += chunk.length
    if (chunk.length === 0 && end !== undefined) throw tooShort(path, end, position)
    return chunk
  }
  let next = readNext()
  try {
    for (let chunk = await next; chunk.length > 0; chunk = await next) {
      next = readNext()
      // it is awaited after the consumer has taken this chunk; until then a failure waits
      void quietly(next)
      yield chunk
    }
  } finally {
    await quietly(next)
    await handle.close()
  }
}

async function openRegular(path: string): Promise<FileHandle> {
  // O_NONBLOCK: opening a FIFO would wait for a writer
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const handle = await open(path, flags).catch((error: unknown) => {
    throw errnoOf(error) === 'ELOOP' ? notRegular(path) : localIoError(error, 'read', path)
  })
  try {
    if (!(await handle.stat()).isFile()) throw notRegular(path)
    return handle
  } catch (error) {
    await handle.close()
    throw localIoError(error, 'read', path)
  }
}

const usualChunk = 256 * 1024

async function readChunk(
  handle: FileHandle,
  path: string,
  memory: Buffer,
  position: number,
): Promise<Uint8Array> {
  try {
    const {bytesRead} = await handle.read(memory, 0, memory.length, position)
    return memory.subarray(0, bytesRead)
  } catch (error) {
    throw localIoError(error, 'read', path)
  }
}

function tooShort(path: string, expected: number, found: number): IntegrityError {
  const message = `${quoted(path)} ends at byte ${found}, not at ${expected}`
  return new IntegrityError('ERR_INJECT_SIZE_MISMATCH', message, {expected, found})
}

function notRegular(path: string): IntegrityError {
  const message = `${quoted(path)} is not a regular file`
  return new IntegrityError('ERR_INJECT_LAYOUT_INVALID', message)
}
