import {chunkedAnnotation} from '../../oci/annotation.js'
import type {StoredText} from './compressed-text.js'

/** What stands after the frames of the content, and what the layer's descriptor says of it. */
export interface Trailer {
  readonly bytes: Uint8Array
  readonly annotations: Readonly<Record<string, string>>
}

/** Of a skippable frame: https://www.rfc-editor.org/rfc/rfc8878#section-3.1.2 */
const frameHeader = 8
const tableType = 1

/**
 * The table of contents and the tar-split, each in a skippable frame, and a footer that says where
 * they are. `start` is where they begin in the layer.
 * https://github.com/containers/container-libs/blob/storage/v1.65.1/storage/pkg/chunked/internal/minimal/compression.go
 */
export function chunkedTrailer(start: number, toc: StoredText, tarSplit: StoredText): Trailer {
  const at = start + frameHeader
  const tarSplitAt = at + toc.bytes.length + frameHeader
  const tocPlace = [at, toc.bytes.length, toc.size, tableType]
  const tarSplitPlace = [tarSplitAt, tarSplit.bytes.length, tarSplit.size]
  const footer = Buffer.alloc(64)
  for (const [number, value] of [...tocPlace, ...tarSplitPlace].entries())
    footer.writeBigUInt64LE(BigInt(value), 8 * number)
  footer.write('GNUlInUx', 56, 'latin1')
  return {
    bytes: Buffer.concat([
      ...skippable(toc.bytes),
      ...skippable(tarSplit.bytes),
      ...skippable(footer),
    ]),
    annotations: {
      [chunkedAnnotation.tocDigest]: toc.digest,
      [chunkedAnnotation.tocPosition]: tocPlace.join(':'),
      [chunkedAnnotation.tarSplitPosition]: tarSplitPlace.join(':'),
    },
  }
}

function skippable(bytes: Uint8Array): readonly Uint8Array[] {
  const header = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0])
  header.writeUInt32LE(bytes.length, 4)
  return [header, bytes]
}
