import type {BlobInfo} from '../oci/descriptor.js'
import type {CallOptions} from './content-store.js'

/** A byte range of a blob. */
export interface Range {
  readonly offset: number
  readonly length: number
}

/** A store that can read a range of a blob. */
export interface RangeReader {
  /**
   * Just these bytes, unverified, because only a whole blob has a digest. `undefined` if the other
   * side does not support ranges, which only a request can tell.
   */
  readRange(blob: BlobInfo, range: Range, options?: CallOptions): Promise<Uint8Array | undefined>
  /**
   * The bytes of several ranges, in their order, as `readRange`; in as few requests as the other
   * side allows. All of them are in memory at once: the caller bounds their sum.
   */
  readRanges(
    blob: BlobInfo,
    ranges: readonly Range[],
    options?: CallOptions,
  ): Promise<readonly Uint8Array[] | undefined>
}

/** Tests the ability, not the kind of store. */
export function readsRanges<S extends object>(store: S): store is RangeReader & S {
  return 'readRange' in store
}
