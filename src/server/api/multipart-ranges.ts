import {randomUUID} from 'node:crypto'
import type {BlobInfo} from '../../oci/descriptor.js'
import type {ByteStream} from '../../store/content-store.js'
import type {ByteRange} from '../../store/repository.js'
import {gathered} from '../../stream/gathered.js'

/** The body of an answer with several ranges, and the headers that are due to it. */
export interface MultipartRanges {
  readonly contentType: string
  readonly length: number
  /** `openRange` is called for one range after the other. */
  open(openRange: (range: ByteRange) => Promise<ByteStream>): ByteStream
}

/** Smaller chunks go out together: a part is often a few hundred bytes. */
const chunkSize = 64 * 1024

/**
 * Several ranges of a blob as `multipart/byteranges`. The boundary is random, so that no content
 * holds it, of characters that need no quotes.
 * https://www.rfc-editor.org/rfc/rfc9110#section-14.6
 */
export function multipartRanges(
  {size}: BlobInfo,
  ranges: readonly ByteRange[],
  contentType: string,
): MultipartRanges {
  const boundary = randomUUID()
  const heads = ranges.map(({first, last}) =>
    Buffer.from(
      `\r\n--${boundary}\r\ncontent-type: ${contentType}\r\ncontent-range: bytes ${first}-${last}/${size}\r\n\r\n`,
    ),
  )
  const end = Buffer.from(`\r\n--${boundary}--\r\n`)
  const content = ranges.reduce((sum, {first, last}) => sum + last - first + 1, 0)
  return {
    contentType: `multipart/byteranges; boundary=${boundary}`,
    length: content + heads.reduce((sum, {length}) => sum + length, end.length),
    open: (openRange) => gathered(parts(openRange), chunkSize),
  }

  async function* parts(
    openRange: (range: ByteRange) => Promise<ByteStream>,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    for (const [at, range] of ranges.entries()) {
      yield heads[at] ?? end
      yield* await openRange(range)
    }
    yield end
  }
}
