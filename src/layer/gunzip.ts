import {createGunzip, type Gunzip} from 'node:zlib'
import {layerCorrupt} from './layer-corrupt.js'

/**
 * Decompresses gzip: one member or several, one after the other. Throws `IntegrityError` (`ERR_INJECT_LAYER_CORRUPT`) when a member is cut
 * off, when its checksum or length is not its content's, and for anything behind the last member, zeros included: readers do not agree
 * on what to make of that. Bounded memory; `content` is closed also when the consumer stops early.
 * https://www.rfc-editor.org/rfc/rfc1952#section-2.2
 */
export async function* gunzip(
  content: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const decoder = createGunzip({chunkSize: 256 * 1024})
  const fed = {bytes: 0}
  const feeding = feed(content, decoder, fed)
  try {
    for await (const chunk of decoder) yield chunk as Buffer
    // Node ends at a zero byte between members without a word, and never asks for the rest
    if (decoder.bytesWritten !== fed.bytes) {
      throw layerCorrupt('something follows the end of the compressed data')
    }
  } catch (error) {
    throw isZlibError(error) ? layerCorrupt(`gzip: ${error.message}`, {cause: error}) : error
  } finally {
    decoder.destroy()
    await feeding
  }
}

/** Never rejects: what goes wrong with `content` destroys `decoder`, and so reaches whoever reads that. */
async function feed(
  content: AsyncIterable<Uint8Array>,
  decoder: Gunzip,
  fed: {bytes: number},
): Promise<void> {
  try {
    for await (const chunk of content) {
      if (decoder.destroyed || decoder.readableEnded) {
        fed.bytes += chunk.length
        return
      }
      if (chunk.length === 0) continue
      fed.bytes += chunk.length
      if (!decoder.write(chunk)) await untilWritable(decoder)
    }
    decoder.end()
  } catch (error) {
    decoder.destroy(error instanceof Error ? error : new Error(String(error)))
  }
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
