/** The last bytes of a stream, addressed by their offset in the stream. */
export interface Ring {
  /** The least number of bytes that are kept, once so many have come. */
  readonly capacity: number
  /** The offset of the first kept byte. */
  readonly oldest: number
  /** Appends bytes: at most `largestSlice`, which are copied. */
  put(slice: Uint8Array): void
  /**
   * The kept bytes from `start`, to `end` or less: as far as they are contiguous. A view, valid
   * until the next `put`.
   */
  view(start: number, end: number): Uint8Array
  /** Forgets everything: the next byte has offset 0. */
  clear(): void
  /** The same, and the next ring may have its memory: for one of which no view is in use. */
  release(): void
}

export const largestSlice = 512 * 1024

/** Memory of a ring that was released, for the next one, unless a garbage collector takes it. */
export interface SpareMemory {
  /** At least so many bytes. */
  take(length: number): Buffer
  give(memory: Buffer): void
}

/** Types of this language version do not know it yet. */
const Resizable = ArrayBuffer as unknown as new (
  length: number,
  options: {readonly maxByteLength: number},
) => ArrayBuffer

/**
 * Memory that is mapped, as that of a buffer which could be resized is. The C library, when it gets
 * back ten megabytes that it allocated, keeps twice as much of whatever threads give back later.
 */
function allocateMapped(length: number): Buffer {
  return Buffer.from(new Resizable(length, {maxByteLength: length}))
}

/** For rings of which one follows the other. */
export function createSpareMemory(): SpareMemory {
  let spare: WeakRef<Buffer> | undefined
  return {
    take(length) {
      const memory = spare?.deref()
      spare = undefined
      return memory && memory.length >= length ? memory : allocateMapped(length)
    },
    give(memory) {
      spare = new WeakRef(memory)
    },
  }
}

/** Takes memory when the first byte is put. */
export function createRing(capacity: number, spare: SpareMemory): Ring {
  let bytes: Buffer | undefined
  /** The index of the next byte. */
  let position = 0

  return {
    capacity,
    get oldest() {
      return Math.max(0, position - (bytes?.length ?? 0))
    },
    put(slice) {
      bytes ??= spare.take(capacity + 2 * largestSlice)
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
    release() {
      position = 0
      if (bytes) spare.give(bytes)
      bytes = undefined
    },
  }
}
