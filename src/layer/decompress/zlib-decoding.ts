import type {TransformOptions} from 'node:stream'
import type {Gunzip, InflateRaw, ZlibOptions} from 'node:zlib'
import {layerCorrupt} from '../corrupt.js'

/** Large pieces, in and out, because zlib waits for this thread after each. */
const chunkSize = 1024 * 1024
const feedSize = 256 * 1024

/**
 * For a decoder: a few pieces wait on either side, so that neither is idle while the other one has
 * long ones.
 */
export const decoderOptions: ZlibOptions & TransformOptions = {
  chunkSize,
  writableHighWaterMark: 4 * feedSize,
  readableHighWaterMark: 2 * chunkSize,
}

/** Content on its way through a decoder of zlib. */
export interface Decoding {
  /**
   * What comes out; sets `read.bytes` to how many bytes of the content that took. Throws
   * `IntegrityError` (`ERR_INJECT_LAYER_CORRUPT`) for what the decoder does not take.
   */
  output(read: {bytes: number}): AsyncGenerator<Uint8Array, void, undefined>
  /** The rest of the content after the end of the output. */
  rest(): AsyncGenerator<Uint8Array, void, undefined>
  /** Closes the content. */
  close(): Promise<void>
}

/** Bounded memory. */
export function decodeWith(
  decoder: Gunzip | InflateRaw,
  content: AsyncIterable<Uint8Array>,
): Decoding {
  const fed: Fed = {bytes: 0, chunks: []}
  const chunks = content[Symbol.asyncIterator]() as AsyncIterator<Uint8Array, void>
  const feeding = feed(chunks, decoder, fed)
  return {
    async *output(read) {
      try {
        for await (const chunk of decoder) {
          read.bytes = decoder.bytesWritten
          yield chunk as Buffer
        }
      } catch (error) {
        throw isZlibError(error) ? layerCorrupt(`gzip: ${error.message}`, {cause: error}) : error
      }
      await feeding
    },
    async *rest() {
      for (const {end, chunk} of fed.chunks) {
        const left = chunk.subarray(Math.max(0, decoder.bytesWritten - (end - chunk.length)))
        if (left.length > 0) yield left
      }
      for (;;) {
        const {value, done} = await chunks.next()
        if (done === true) return
        yield value
      }
    },
    async close() {
      decoder.destroy()
      await feeding
      await chunks.return?.()
    },
  }
}

/** Input that the decoder might not have used yet. */
interface Fed {
  bytes: number
  chunks: {readonly end: number; readonly chunk: Uint8Array}[]
}

/**
 * Never rejects: an error of `content` destroys `decoder`, and so reaches the reader of `decoder`.
 */
async function feed(
  chunks: AsyncIterator<Uint8Array, void>,
  decoder: Gunzip | InflateRaw,
  fed: Fed,
): Promise<void> {
  try {
    for (;;) {
      const chunk = await atLeast(feedSize, chunks)
      if (chunk.length === 0) break
      fed.bytes += chunk.length
      fed.chunks = fed.chunks.filter(({end}) => end > decoder.bytesWritten)
      fed.chunks.push({end: fed.bytes, chunk})
      if (decoder.destroyed || decoder.readableEnded) return
      if (!decoder.write(chunk)) await untilWritable(decoder)
    }
    decoder.end()
  } catch (error) {
    decoder.destroy(error instanceof Error ? error : new Error(String(error)))
  }
}

/**
 * The next so many bytes in one piece, fewer at the end only: each piece is a turn of this thread,
 * which others keep busy.
 */
async function atLeast(size: number, chunks: AsyncIterator<Uint8Array, void>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  while (length < size) {
    const {value: chunk, done} = await chunks.next()
    if (done === true) break
    parts.push(chunk)
    length += chunk.length
  }
  const [first] = parts
  return parts.length === 1 && first ? first : Buffer.concat(parts)
}

/** After an end or an error there is no `drain`, but always a `close`. */
function untilWritable(decoder: Gunzip | InflateRaw): Promise<void> {
  return new Promise((resolve) => {
    if (decoder.destroyed) {
      resolve()
      return
    }
    const done = (): void => {
      decoder.off('drain', done).off('close', done)
      resolve()
    }
    decoder.on('drain', done).on('close', done)
  })
}

function isZlibError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')
}
