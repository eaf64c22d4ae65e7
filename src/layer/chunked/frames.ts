/** Bytes that one frame holds at most: a longer chunk has several frames. */
const mostInFrame = 1024 * 1024

/** Zstd frames, one after the other. */
export interface Frames {
  /** Adds bytes to the frame that is open; they are copied. */
  readonly write: (bytes: Uint8Array) => void
  /** The next byte begins a frame. */
  readonly cut: () => void
  /** Bytes of all frames that are complete. */
  readonly position: () => number
}

/** `emit` gets each frame when it is complete. */
export function createFrames(
  frameOf: (bytes: Uint8Array) => Uint8Array,
  emit: (frame: Uint8Array) => void,
): Frames {
  const room = Buffer.allocUnsafeSlow(mostInFrame)
  let used = 0
  let position = 0
  const cut = (): void => {
    if (used === 0) return
    const frame = frameOf(room.subarray(0, used))
    used = 0
    position += frame.length
    emit(frame)
  }
  return {
    write(bytes) {
      for (let at = 0; at < bytes.length;) {
        const part = bytes.subarray(at, at + mostInFrame - used)
        room.set(part, used)
        used += part.length
        at += part.length
        if (used === mostInFrame) cut()
      }
    },
    cut,
    position: () => position,
  }
}
