import type {ByteString} from '../byte-string.js'

/** Many texts, one after the other, in one piece of memory. */
export interface TextColumn {
  readonly length: number
  /** What is filled. */
  readonly filled: Buffer
  add(text: ByteString): void
  slice(from: number, to: number): ByteString
}

/** Empty, or with what `filled` holds. */
export function createTextColumn(filled: Uint8Array = new Uint8Array(0)): TextColumn {
  let memory = Buffer.from(filled.buffer, filled.byteOffset, filled.byteLength)
  let length = memory.length
  return {
    get length() {
      return length
    },
    get filled() {
      return memory.subarray(0, length)
    },
    add(text) {
      if (length + text.length > memory.length) {
        const larger = Buffer.alloc(
          Math.max(4096, memory.length + (memory.length >> 1)) + text.length,
        )
        memory.copy(larger)
        memory = larger
      }
      length += memory.write(text, length, 'latin1')
    },
    slice: (from, to) => memory.toString('latin1', from, to),
  }
}
