/** A growing array of numbers of one type; it grows by half of its size. */
export interface Column<T> {
  readonly length: number
  /** Its size in bytes. */
  readonly bytes: number
  /** What is filled, in the array that it lies in. */
  readonly filled: NumberArray<T>
  push(value: T): void
  /** Values of the type that the column has. */
  append(values: NumberArray<T>): void
  at(index: number): T
  put(index: number, value: T): void
}

export interface NumberArray<T> {
  readonly length: number
  readonly byteLength: number
  [index: number]: T
  set(other: NumberArray<T>, at?: number): void
  subarray(begin: number, end: number): NumberArray<T>
}

/** A column in the memory that `allocate` returns: empty, or of what is `filled`. */
export function createColumn<T>(
  allocate: (length: number) => NumberArray<T>,
  filled?: NumberArray<T>,
): Column<T> {
  let memory = filled ?? allocate(1024)
  let length = filled?.length ?? 0
  const grow = (least: number): void => {
    const larger = allocate(Math.max(least, memory.length + (memory.length >> 1) + 1))
    larger.set(memory)
    memory = larger
  }
  return {
    get length() {
      return length
    },
    get bytes() {
      return memory.byteLength
    },
    get filled() {
      return memory.subarray(0, length)
    },
    push(value) {
      if (length === memory.length) grow(length + 1)
      memory[length++] = value
    },
    append(values) {
      if (length + values.length > memory.length) grow(length + values.length)
      memory.set(values, length)
      length += values.length
    },
    at(index) {
      if (index >= length) throw new RangeError(`a column has no place ${index}`)
      return memory[index] as T
    },
    put(index, value) {
      if (index >= length) throw new RangeError(`a column has no place ${index}`)
      memory[index] = value
    },
  }
}
