/** The bytes of a stream that came last, each found by its place in the stream. */
export interface Ring {
  /** How many bytes are kept at least, once so many have come. */
  readonly capacity: number
  /** The first place of which the byte is still kept. */
  readonly oldest: number
  /** Adds what comes next: at most `largestSlice` bytes, which are copied. */
  put(slice: Uint8Array): void
  /**
   * What is kept from `start` on, to `end` or less: as far as it lies in one piece. A view, good
   * until the next `put`.
   */
  view(start: number, end: number): Uint8Array
  /** Forgets everything: what comes next is at place 0. */
  clear(): void
}

export const largestSlice = 1024 * 1024

/** Allocates nothing before the first byte is put. */
export function createRing(capacity: number): Ring {
  let bytes: Buffer | undefined
  /** Where the next byte belongs. */
  let position = 0

  return {
    capacity,
    get oldest() {
      return Math.max(0, position - (bytes?.length ?? 0))
    },
    put(slice) {
      bytes ??= Buffer.allocUnsafeSlow(capacity + 2 * largestSlice)
      const at = position % bytes.length
      const first = slice.subarray(0, bytes.length - at)
      bytes.set(first, at)
      bytes.set(slice.subarray(first.length), 0)
      position += slice.length
    },
    view(start, end) {
      if (!bytes) return new Uint8Array()
      const at = start % bytes.length
      return bytes.subarray(at, Math.min(bytes.length, at + end - start))
    },
    clear() {
      position = 0
    },
  }
}
