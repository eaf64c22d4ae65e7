/** Memory for blocks that is used again once it is given back: new memory for each would be garbage faster than it is collected. */
export interface BlockBuffers {
  readonly allocate: (length: number) => Buffer
  /** A block may fill its buffer in part only. */
  readonly release: (block: Buffer) => void
}

/** Buffers of any lengths, to be shared by whoever packs one layer after the other. `shared`: worker threads may read them where they are. */
export function createBlockBuffers({
  shared = false,
}: {readonly shared?: boolean} = {}): BlockBuffers {
  const spare = new Map<number, Buffer[]>()
  const make = (length: number): Buffer =>
    shared ? Buffer.from(new SharedArrayBuffer(length)) : Buffer.allocUnsafeSlow(length)
  return {
    allocate: (length) => spare.get(length)?.pop() ?? make(length),
    release({buffer}) {
      const {byteLength} = buffer
      const list = spare.get(byteLength) ?? []
      spare.set(byteLength, list)
      list.push(Buffer.from(buffer))
    },
  }
}
