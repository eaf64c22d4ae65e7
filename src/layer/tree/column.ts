/** A growing array of numbers of one type; it grows by half of its size. */
export interface Column<T> {
  readonly length: number
  /** Its size in bytes. */
  readonly bytes: number
  push(value: T): void
  at(index: number): T
}

interface NumberArray<T> {
  readonly length: number
  readonly byteLength: number
  [index: number]: T
  set(other: NumberArray<T>): void
}

/** An empty column in the memory that `allocate` returns. */
export function createColumn<T>(allocate: (length: number) => NumberArray<T>): Column<T> {
  let memory = allocate(1024)
  let length = 0
  return {
    get length() {
      return length
    },
    get bytes() {
      return memory.byteLength
    },
    push(value) {
      if (length === memory.length) {
        const larger = allocate(memory.length + (memory.length >> 1))
        larger.set(memory)
        memory = larger
      }
      memory[length++] = value
    },
    at(index) {
      if (index >= length) throw new RangeError(`a column has no place ${index}`)
      return memory[index] as T
    },
  }
}
