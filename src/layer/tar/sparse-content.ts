import {layerCorrupt} from '../corrupt.js'
import {longestExtendedHeader} from '../limits.js'
import {mapInContent, type SparseFile, type SparsePart} from './sparse-map.js'

/** Told of a file's content in its order. */
interface ContentHandler {
  data(bytes: Uint8Array): void
  /** So many zeros that are not stored. */
  hole(zeros: number): void
}

/** Turns the stored parts of a sparse file into its content. */
export function createSparseContent(
  {size, parts: known}: SparseFile,
  handler: ContentHandler,
): {
  data(bytes: Uint8Array): void
  /** Throws unless all parts have come. */
  end(): void
} {
  let parts: readonly SparsePart[] | undefined = known
  let head = Buffer.alloc(0)
  let position = 0
  let next = 0
  let left = parts?.[0]?.length ?? 0

  return {
    data(bytes) {
      if (parts) {
        take(parts, bytes)
        return
      }
      if (
        head.length + bytes.length > 2 * longestExtendedHeader &&
        head.length > longestExtendedHeader
      )
        throw layerCorrupt('the map of a sparse file is too large')
      head = Buffer.concat([head, bytes])
      const map = mapInContent(head, size)
      if (!map) return
      parts = map.parts
      left = parts[0]?.length ?? 0
      const rest = head.subarray(map.length)
      head = Buffer.alloc(0)
      take(parts, rest)
    },
    end() {
      if (!parts) throw layerCorrupt('the map of a sparse file is cut off')
      while (next < parts.length && left === 0) advance(parts)
      if (next < parts.length) throw layerCorrupt('a sparse file has fewer bytes than its map')
      skipTo(size)
    },
  }

  function take(all: readonly SparsePart[], bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const part = all[next]
      if (!part) throw layerCorrupt('a sparse file has more bytes than its map')
      if (left === 0) {
        advance(all)
        continue
      }
      skipTo(part.offset + part.length - left)
      const end = Math.min(bytes.length, at + left)
      handler.data(bytes.subarray(at, end))
      position += end - at
      left -= end - at
      at = end
    }
  }

  function advance(all: readonly SparsePart[]): void {
    next++
    left = all[next]?.length ?? 0
  }

  function skipTo(offset: number): void {
    if (offset > position) handler.hole(offset - position)
    position = Math.max(position, offset)
  }
}
