import {readFileStream} from '../disk/read-file.js'
import type {BlobInfo} from '../oci/descriptor.js'
import {abortable} from '../stream/bytes.js'
import {readAll} from '../stream/limit.js'
import type {RangeReader} from './range-reader.js'

/** Where a blob begins in a file that has all of it. */
export interface BlobInFile {
  readonly path: string
  readonly offset: number
}

/**
 * Ranges of blobs that lie in files. `find` gives `undefined` for a blob that is absent or has
 * another size: reading all of it tells what is wrong. Throws what `readFileStream` throws.
 */
export function fileRanges(find: (blob: BlobInfo) => Promise<BlobInFile | undefined>): RangeReader {
  const readRange: RangeReader['readRange'] = async (blob, {offset, length}, {signal} = {}) => {
    signal?.throwIfAborted()
    const place = await find(blob)
    if (!place) return undefined
    const first = place.offset + offset
    const bytes = abortable(readFileStream(place.path, {first, end: first + length}), signal)
    return readAll(bytes, length, `part of blob ${blob.digest}`)
  }
  return {
    readRange,
    async readRanges(blob, ranges, options) {
      const parts: Uint8Array[] = []
      for (const range of ranges) {
        const part = await readRange(blob, range, options)
        if (!part) return undefined
        parts.push(part)
      }
      return parts
    },
  }
}
