import {PreconditionError} from '../../errors.js'
import type {LayerCompression} from '../../oci/media-type.js'
import type {ByteStream} from '../../store/content-store.js'
import {isSkippable, zstdMagic} from './zstd-frames.js'

/**
 * How content is compressed, by its first bytes, and the same content, not a byte of it lost.
 * Container engines go by these bytes, whatever the media type says (`named`, which counts for
 * content that is too short to tell), and so do we: what comes out is checked against the diff ID
 * in any case. Throws `PreconditionError` (`ERR_INJECT_COMPRESSION_UNSUPPORTED`) for bzip2 and xz,
 * which the specifications do not have.
 */
export async function detectCompression(
  content: ByteStream,
  named: LayerCompression = 'none',
): Promise<{readonly compression: LayerCompression; readonly content: ByteStream}> {
  const chunks = content[Symbol.asyncIterator]() as AsyncIterator<Uint8Array, void>
  let start: Buffer = Buffer.alloc(0)
  try {
    while (start.length < longestMagic) {
      const {value, done} = await chunks.next()
      if (done === true) break
      start = Buffer.concat([start, value])
    }
    return {compression: compressionOf(start, named), content: chain(start, chunks)}
  } catch (error) {
    await chunks.return?.()
    throw error
  }
}

const longestMagic = 10
/** bzip2 with the mark of its first block: text alone could be a name in a tar. */
const bzip2 = /^425a683[1-9](?:314159265359|177245385090)/
const xz = /^fd377a585a00/

function compressionOf(start: Buffer, named: LayerCompression): LayerCompression {
  const hex = start.toString('hex', 0, longestMagic)
  if (bzip2.test(hex) || xz.test(hex)) {
    throw new PreconditionError(
      'ERR_INJECT_COMPRESSION_UNSUPPORTED',
      `a layer compressed with ${xz.test(hex) ? 'xz' : 'bzip2'} cannot be read`,
    )
  }
  // gzip knows one method only, deflate
  if (start.length >= 3 && start.readUIntBE(0, 3) === 0x1f8b08) return 'gzip'
  const magic = start.length >= 4 ? start.readUInt32LE() : 0
  if (magic === zstdMagic || isSkippable(magic)) return 'zstd'
  return start.length < longestMagic ? named : 'none'
}

async function* chain(
  start: Uint8Array,
  rest: AsyncIterator<Uint8Array, void>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let isOver = false
  try {
    if (start.length > 0) yield start
    for (;;) {
      const {value, done} = await rest.next()
      if (done === true) {
        isOver = true
        return
      }
      yield value
    }
  } finally {
    if (!isOver) await rest.return?.()
  }
}
