/** Small pieces of a stream as large ones: each step of a stream has its price. */
export interface Gathering {
  /** Copies the bytes if there is room for them and more. */
  takes(bytes: Uint8Array): boolean
  /**
   * Copies the bytes, and gives what is full: always the same memory, valid until the next piece is
   * asked for.
   */
  fill(bytes: Uint8Array): Generator<Uint8Array, void, undefined>
  /** What is left, at the end. */
  rest(): Uint8Array
}

const size = 256 * 1024

export function createGathering(): Gathering {
  const room = Buffer.allocUnsafeSlow(size)
  let used = 0
  return {
    takes(bytes) {
      if (bytes.length >= size - used) return false
      room.set(bytes, used)
      used += bytes.length
      return true
    },
    *fill(bytes) {
      for (let at = 0; at < bytes.length;) {
        const part = bytes.subarray(at, at + size - used)
        room.set(part, used)
        used += part.length
        at += part.length
        if (used < size) continue
        yield room
        used = 0
      }
    },
    rest() {
      const left = room.subarray(0, used)
      used = 0
      return left
    },
  }
}
