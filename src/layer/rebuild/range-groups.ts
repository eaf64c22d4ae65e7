import type {Range} from '../../store/range-reader.js'
import type {ContentPlace} from '../chunked/table.js'

/** Ranges that are asked for together, and the places in them that are wanted. */
export interface RangeGroup {
  readonly ranges: readonly Range[]
  readonly parts: readonly PartOfRange[]
}

export interface PartOfRange {
  /** The number of the range in its group. */
  readonly range: number
  /** In the range. */
  readonly offset: number
  readonly length: number
}

/** Bytes between two places that are fetched, too: a range of its own costs as much. */
const smallGap = 512
/** Of a group. */
const [mostBytes, mostRanges] = [4 * 1024 * 1024, 256]

/** Places in the order of the layer as ranges; those that lie together are one. */
export function* groupedRanges(
  places: Iterable<Pick<ContentPlace, 'at' | 'end'>>,
): Generator<RangeGroup, void, undefined> {
  let ranges: Range[] = []
  let parts: PartOfRange[] = []
  let bytes = 0
  for (const {at, end} of places) {
    for (let offset = at; offset < end;) {
      const last = ranges.at(-1)
      const lastEnd = last ? last.offset + last.length : -Infinity
      const isNear = last !== undefined && offset >= lastEnd && offset - lastEnd <= smallGap
      const gap = isNear ? offset - lastEnd : 0
      if (bytes + gap >= mostBytes || (!isNear && ranges.length === mostRanges)) {
        yield {ranges, parts}
        ranges = []
        parts = []
        bytes = 0
        continue
      }
      const length = Math.min(end - offset, mostBytes - bytes - gap)
      if (isNear) {
        ranges[ranges.length - 1] = {offset: last.offset, length: last.length + gap + length}
        parts.push({range: ranges.length - 1, offset: offset - last.offset, length})
      } else {
        ranges.push({offset, length})
        parts.push({range: ranges.length - 1, offset: 0, length})
      }
      bytes += gap + length
      offset += length
    }
  }
  if (ranges.length > 0) yield {ranges, parts}
}
