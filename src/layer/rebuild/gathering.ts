/** Small pieces of a stream as large ones: each step of a stream has its price. */
export interface Gathering {
  /** Copies the bytes; gives what is full. */
  add(bytes: Uint8Array): readonly Uint8Array[]
  /** What is left, at the end. */
  rest(): readonly Uint8Array[]
}

const size = 256 * 1024
const nothing: readonly Uint8Array[] = []

export function createGathering(): Gathering {
  let room = Buffer.allocUnsafeSlow(size)
  let used = 0
  const take = (): Uint8Array => {
    const full = room.subarray(0, used)
    room = Buffer.allocUnsafeSlow(size)
    used = 0
    return full
  }
  return {
    add(bytes) {
      if (bytes.length < size - used) {
        room.set(bytes, used)
        used += bytes.length
        return nothing
      }
      const full: Uint8Array[] = []
      for (let at = 0; at < bytes.length;) {
        const part = bytes.subarray(at, at + size - used)
        room.set(part, used)
        used += part.length
        at += part.length
        if (used === size) full.push(take())
      }
      return full
    },
    rest: () => (used > 0 ? [take()] : nothing),
  }
}
