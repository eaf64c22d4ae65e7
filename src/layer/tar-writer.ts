import {closeSync, constants, fstatSync, lstatSync, openSync, readSync} from 'node:fs'
import {localIoError} from '../disk/local-io-error.js'
import {readable} from './byte-string.js'
import {blockSize, encodeHeader} from './tar-header.js'
import {changed, isSame, type WalkedEntry} from './walk.js'

/** `O_NONBLOCK`: what was a file when it was listed may be a FIFO by now, and opening that would wait for ever. */
const openFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * The tar stream of `entries` in chunks of exactly `chunkSize` bytes (a multiple of 512), the last one shorter; each chunk is a buffer from
 * `allocate`, which the consumer owns from then on. Ends with two zero blocks and no further padding. Reads files synchronously, straight
 * into the chunk. Throws `LocalIoError` (`ERR_INJECT_CHANGED_WHILE_PACKED`) for a file that is not, when read to its end, what was listed.
 */
export function* writeTar(
  entries: Iterable<WalkedEntry>,
  chunkSize: number,
  allocate: () => Buffer,
): Generator<Buffer> {
  let chunk = allocate()
  let used = 0
  for (const walked of entries) {
    yield* put(encodeHeader(walked.entry))
    if (walked.file) yield* putFile(walked, walked.file)
  }
  yield* put(new Uint8Array(2 * blockSize))
  if (used > 0) yield chunk.subarray(0, used)

  function* put(bytes: Uint8Array): Generator<Buffer> {
    for (let offset = 0; offset < bytes.length;) {
      const part = bytes.subarray(offset, offset + chunkSize - used)
      chunk.set(part, used)
      offset += part.length
      used += part.length
      if (used === chunkSize) yield flush()
    }
  }

  function flush(): Buffer {
    const full = chunk
    chunk = allocate()
    used = 0
    return full
  }

  function* putFile(
    {entry}: WalkedEntry,
    file: NonNullable<WalkedEntry['file']>,
  ): Generator<Buffer> {
    const size = Number(file.stat.size)
    const descriptor = attempt('open', () => openSync(file.path, openFlags))
    try {
      let left = size
      do {
        const space = chunkSize - used
        // one byte more than is left, where there is room: a file that grew shows itself without a call of its own
        const wanted = Math.min(left + 1, space)
        const at = used
        const got = attempt('read', () => readSync(descriptor, chunk, at, wanted, null))
        if (got > left || (got === 0 && left > 0)) throw changed(entry.path)
        left -= got
        used += got
        if (used === chunkSize) yield flush()
      } while (left > 0)
      if (
        !isSame(
          attempt('read', () => fstatSync(descriptor, {bigint: true})),
          file.stat,
        )
      )
        throw changed(entry.path)
    } finally {
      closeSync(descriptor)
    }
    const padding = -size & (blockSize - 1)
    // a chunk is a multiple of 512 bytes, so the padding never crosses its end
    chunk.fill(0, used, used + padding)
    used += padding
    if (used === chunkSize) yield flush()

    function attempt<T>(doing: string, call: () => T): T {
      try {
        return call()
      } catch (error) {
        throw isStill(file) ? localIoError(error, doing, readable(entry.path)) : changed(entry.path)
      }
    }
  }
}

/** Whether the path names what was listed: an error on something else is a change, whatever its number. */
function isStill({path, stat}: NonNullable<WalkedEntry['file']>): boolean {
  const now = lstatSync(path, {bigint: true, throwIfNoEntry: false})
  return now !== undefined && isSame(now, stat)
}
