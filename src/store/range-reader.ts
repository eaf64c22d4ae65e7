import type {BlobInfo} from '../oci/descriptor.js'
import type {CallOptions} from './content-store.js'

/** A part of a blob, in bytes. */
export interface Range {
  readonly offset: number
  readonly length: number
}

/** A place that can give a part of a blob without the rest. */
export interface RangeReader {
  /**
   * Just these bytes; nobody has checked them, since only a whole blob has a digest. `undefined`
   * where the other side gives no parts, which is only known once it is asked.
   */
  readRange(blob: BlobInfo, range: Range, options?: CallOptions): Promise<Uint8Array | undefined>
}

/** Asked by ability, not by place. */
export function readsRanges<S extends object>(store: S): store is RangeReader & S {
  return 'readRange' in store
}
