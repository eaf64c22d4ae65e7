import {createGunzip} from 'node:zlib'
import {layerCorrupt} from '../corrupt.js'
import {decoderOptions, decodeWith} from './zlib-decoding.js'

/**
 * Decompresses gzip: one member or several (as of estargz), one after the other, and zeros after
 * the last one, which tapes and some registries leave there. Throws `IntegrityError`
 * (`ERR_INJECT_LAYER_CORRUPT`) when a member is cut off, when its checksum or length is not its
 * content's, and for anything else after the last member: readers do not agree on what to make of
 * that. `read` tells how many bytes of `content` gave what was yielded so far. Bounded memory;
 * `content` is closed also when the consumer stops early.
 * https://www.rfc-editor.org/rfc/rfc1952#section-2.2
 */
export async function* gunzip(
  content: AsyncIterable<Uint8Array>,
  read = {bytes: 0},
): AsyncGenerator<Uint8Array, void, undefined> {
  const decoding = decodeWith(createGunzip(decoderOptions), content)
  try {
    yield* decoding.output(read)
    // Node silently stops at a zero byte between members, and never reads the rest
    await expectZeros(decoding.rest())
  } finally {
    await decoding.close()
  }
}

/** Throws `IntegrityError` (`ERR_INJECT_LAYER_CORRUPT`) where anything else is. */
export async function expectZeros(rest: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of rest)
    if (chunk.some((byte) => byte !== 0))
      throw layerCorrupt('something follows the end of the compressed data')
}
