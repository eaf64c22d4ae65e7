import type {ByteString} from '../../byte-string.js'

/** Many texts, one after the other, in one piece of memory. */
export interface TextColumn {
  readonly length: number
  /** What is filled. */
  readonly filled: Buffer
  add(text: ByteString): void
  append(bytes: Uint8Array): void
  slice(from: number, to: number): ByteString
}

/** Without texts, or with those that are in `filled`. */
export function createTextColumn(filled: Buffer = Buffer.alloc(0)): TextColumn {
  let memory = filled
  let {length} = filled
  const makeRoom = (bytes: number): void => {
    if (length + bytes <= memory.length) return
    const larger = Buffer.alloc(Math.max(4096, memory.length + (memory.length >> 1)) + bytes)
    memory.copy(larger)
    memory = larger
  }
  return {
    get length() {
      return length
    },
    get filled() {
      return memory.subarray(0, length)
    },
    add(text) {
      if (text === '') return
      makeRoom(text.length)
      length += memory.write(text, length, 'latin1')
    },
    append(bytes) {
      makeRoom(bytes.length)
      memory.set(bytes, length)
      length += bytes.length
    },
    slice: (from, to) => memory.toString('latin1', from, to),
  }
}
