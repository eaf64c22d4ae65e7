import type {BlobReader} from '../../src/store/content-store.js'
import type {Range, RangeReader} from '../../src/store/range-reader.js'
import {collect} from './open-registry.js'

export interface RangeReaderOptions {
  /** Whether there are any. Default: `true`. */
  readonly ranges?: boolean
  /** Told of each part that is read; gives what is answered instead. */
  readonly onRead?: (bytes: Uint8Array, range: Range) => Uint8Array
}

/** The ranges of a store's blobs, as a registry answers them. */
export function rangeReader(
  store: BlobReader,
  {ranges = true, onRead = (bytes) => bytes}: RangeReaderOptions = {},
): RangeReader {
  const readRange: RangeReader['readRange'] = async (blob, range) => {
    if (!ranges) return undefined
    const bytes = await collect(await store.openBlob(blob))
    return onRead(bytes.subarray(range.offset, range.offset + range.length), range)
  }
  return {
    readRange,
    async readRanges(blob, list) {
      const parts: Uint8Array[] = []
      for (const range of list) {
        const part = await readRange(blob, range)
        if (!part) return undefined
        parts.push(part)
      }
      return parts
    },
  }
}
