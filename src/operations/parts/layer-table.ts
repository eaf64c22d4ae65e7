import {unlessFailed} from '../../errors.js'
import type {LayerTable} from '../../layer/chunked/table.js'
import {unpackLimits} from '../../layer/limits.js'
import {tocPlace} from '../../layer/contents/toc-place.js'
import type {Descriptor} from '../../oci/descriptor.js'
import type {ContentStore} from '../../store/content-store.js'
import {readsRanges} from '../../store/range-reader.js'

/** A layer of which parts can be read by its table of contents. */
export interface LayerParts {
  /** Read once; `undefined` without a usable table. */
  readonly table: (signal: AbortSignal) => Promise<LayerTable | undefined>
  /** `undefined` if that is not possible. */
  readonly read: (
    offset: number,
    length: number,
    signal: AbortSignal,
  ) => Promise<Uint8Array | undefined>
}

/** Of a smaller layer a part is as much work as all of it. */
const smallLayer = 256 * 1024

/** `undefined` for a layer that has no table of zstd:chunked, or that is read as a whole. */
export function layerParts(store: ContentStore, descriptor: Descriptor): LayerParts | undefined {
  const place = tocPlace(descriptor)
  if (place?.kind !== 'zstd:chunked' || descriptor.size < smallLayer) return undefined
  if (!readsRanges(store)) return undefined
  let table: Promise<LayerTable | undefined> | undefined
  const read: LayerParts['read'] = (offset, length, signal) =>
    store.readRange(descriptor, {offset, length}, {signal})
  const open = async (signal: AbortSignal): Promise<LayerTable | undefined> => {
    const {readTocJson} = await import('../../layer/contents/read-toc.js')
    const {openTable} = await import('../../layer/chunked/table.js')
    // without the table the layer itself is read, which says what is wrong
    return unlessFailed(async () => {
      const json = await readTocJson(place, descriptor.size, (offset, length) =>
        read(offset, length, signal),
      )
      return json && openTable(json, place.offset, unpackLimits.entries)
    })
  }
  return {read, table: (signal) => (table ??= open(signal))}
}
