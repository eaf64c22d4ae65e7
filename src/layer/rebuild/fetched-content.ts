import {createHash} from 'node:crypto'
import {layerMediaType} from '../../oci/media-type.js'
import type {Range} from '../../store/range-reader.js'
import {mapAhead} from '../../stream/map-ahead.js'
import {PartUnavailable} from '../chunked/part-unavailable.js'
import {decompress} from '../decompress/decompress.js'
import type {UnpackLimits} from '../limits.js'
import type {FetchedPiece} from './plan-rebuild.js'
import {groupedRanges, type RangeGroup} from './range-groups.js'

/** Reads several ranges of the layer; `undefined` if that is not possible. */
export type ReadSeveral = (ranges: readonly Range[]) => Promise<readonly Uint8Array[] | undefined>

/** The content of pieces of a layer, one after the other. */
export interface FetchedContent {
  /**
   * The content of the next piece. Throws `PartUnavailable` before its end if it is not the one
   * that its digest names, and what fetching and `decompress` throw.
   */
  next(piece: FetchedPiece): AsyncGenerator<Uint8Array, void, undefined>
  close(): Promise<void>
}

/** Requests under way at once: the answers of all of them are in memory. */
const width = 2

/** Fetches `pieces`, which are then taken in this order; the next ones while one is taken. */
export function fetchContent(
  pieces: readonly FetchedPiece[],
  read: ReadSeveral,
  limits: Pick<UnpackLimits, 'zstdWindow'>,
): FetchedContent {
  const frames = decompress(fetchFrames(pieces, read), layerMediaType('oci', 'zstd'), {
    ...limits,
    // what is taken has a known size, and holes take next to nothing
    ...{ratio: Infinity, ratioFrom: Infinity, totalBytes: Infinity},
  })[Symbol.asyncIterator]()
  let rest: Uint8Array = new Uint8Array()

  return {
    async *next({size, place}) {
      const hash = createHash('sha256')
      for (let left = size; left > 0;) {
        if (rest.length === 0) rest = await nextChunk()
        const bytes = rest.subarray(0, left)
        rest = rest.subarray(bytes.length)
        left -= bytes.length
        hash.update(bytes)
        yield bytes
      }
      if (`sha256:${hash.digest('hex')}` !== place.digest)
        throw new PartUnavailable('content is not what the table of contents says')
    },
    async close() {
      await frames.return?.()
    },
  }

  async function nextChunk(): Promise<Uint8Array> {
    const next = await frames.next()
    if (next.done === true)
      throw new PartUnavailable('content is shorter than the table of contents says')
    return next.value
  }
}

async function* fetchFrames(
  pieces: readonly FetchedPiece[],
  read: ReadSeveral,
): AsyncGenerator<Uint8Array, void, undefined> {
  const fetched = mapAhead(groupedRanges(pieces.map(({place}) => place)), fetchGroup, width)
  for await (const parts of fetched) yield* parts

  async function fetchGroup({ranges, parts}: RangeGroup): Promise<readonly Uint8Array[]> {
    const found = await read(ranges)
    if (!found) throw new PartUnavailable('no part of the layer can be read')
    return parts.map(({range, offset, length}) => {
      const bytes = found[range]?.subarray(offset, offset + length)
      if (bytes?.length === length) return bytes
      throw new PartUnavailable('a part of the layer is too short')
    })
  }
}
