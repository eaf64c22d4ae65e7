/**
 * The table has nothing but these upper halves: the polynomial's terms are all in its upper bits.
 */
const table = Uint32Array.from({length: 256}, (_, byte) => {
  let [high, low] = [0, byte]
  for (let bit = 0; bit < 8; bit++) {
    const isOdd = (low & 1) === 1
    low = ((low >>> 1) | (high << 31)) >>> 0
    high = high >>> 1
    if (isOdd) high = (high ^ 0xd8000000) >>> 0
  }
  return high
})

/**
 * CRC-64 as ISO 3309 defines it, which tar-split has of each file.
 * https://pkg.go.dev/hash/crc64#pkg-constants
 */
export interface Crc64 {
  readonly update: (bytes: Uint8Array) => void
  /** Eight bytes, most significant first. */
  readonly value: () => Buffer
}

export function createCrc64(): Crc64 {
  let high = 0xffffffff
  let low = 0xffffffff
  return {
    update(bytes) {
      let [upper, lower] = [high, low]
      for (let at = 0; at < bytes.length; at++) {
        const next = table[(lower ^ (bytes[at] ?? 0)) & 0xff] ?? 0
        lower = (lower >>> 8) | (upper << 24)
        upper = (upper >>> 8) ^ next
      }
      high = upper
      low = lower
    },
    value() {
      const bytes = Buffer.alloc(8)
      bytes.writeUInt32BE(~high >>> 0, 0)
      bytes.writeUInt32BE(~low >>> 0, 4)
      return bytes
    },
  }
}
