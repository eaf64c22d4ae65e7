import type {TransformOptions} from 'node:stream'
import {createGunzip, type Gunzip, type ZlibOptions} from 'node:zlib'
import {layerCorrupt} from '../corrupt.js'

/** Large pieces, in and out: what inflates waits for this thread after each. */
const chunkSize = 1024 * 1024
const feedSize = 256 * 1024

/** A few pieces wait on either side, so that neither is idle while the other one has long ones. */
const streamOptions: ZlibOptions & TransformOptions = {
  chunkSize,
  writableHighWaterMark: 4 * feedSize,
  readableHighWaterMark: 2 * chunkSize,
}

/**
 * Decompresses gzip: one member or several (as of estargz), one after the other, and zeros behind
 * the last one, which tapes and some registries leave there. Throws `IntegrityError`
 * (`ERR_INJECT_LAYER_CORRUPT`) when a member is cut off, when its checksum or length is not its
 * content's, and for anything else behind the last member: readers do not agree on what to make of
 * that. `read` tells how many bytes of `content` gave what was yielded so far. Bounded memory;
 * `content` is closed also when the consumer stops early.
 * https://www.rfc-editor.org/rfc/rfc1952#section-2.2
 */
export async function* gunzip(
  content: AsyncIterable<Uint8Array>,
  read = {bytes: 0},
): AsyncGenerator<Uint8Array, void, undefined> {
  const decoder = createGunzip(streamOptions)
  const fed: Fed = {bytes: 0, chunks: []}
  const chunks = content[Symbol.asyncIterator]() as AsyncIterator<Uint8Array, void>
  const feeding = feed(chunks, decoder, fed)
  try {
    for await (const chunk of decoder) {
      read.bytes = decoder.bytesWritten
      yield chunk as Buffer
    }
    await feeding
    await expectZeros(chunks, decoder, fed)
  } catch (error) {
    throw isZlibError(error) ? layerCorrupt(`gzip: ${error.message}`, {cause: error}) : error
  } finally {
    decoder.destroy()
    await feeding
    await chunks.return?.()
  }
}

/** What the decoder got and has not looked at for sure. */
interface Fed {
  bytes: number
  chunks: {readonly end: number; readonly chunk: Uint8Array}[]
}

/** Node ends at a zero byte between members without a word, and never asks for the rest. */
async function expectZeros(
  chunks: AsyncIterator<Uint8Array, void>,
  decoder: Gunzip,
  {chunks: held}: Fed,
): Promise<void> {
  const rest = held.map(({end, chunk}) =>
    chunk.subarray(Math.max(0, decoder.bytesWritten - (end - chunk.length))),
  )
  for (;;) {
    if (rest.some((chunk) => chunk.some((byte) => byte !== 0)))
      throw layerCorrupt('something follows the end of the compressed data')
    const {value, done} = await chunks.next()
    if (done === true) return
    rest.splice(0, rest.length, value)
  }
}

/**
 * Never rejects: what goes wrong with `content` destroys `decoder`, and so reaches anyone who reads
 * that.
 */
async function feed(
  chunks: AsyncIterator<Uint8Array, void>,
  decoder: Gunzip,
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
function untilWritable(decoder: Gunzip): Promise<void> {
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
