import {createHash} from 'node:crypto'
import type {ByteString} from '../byte-string.js'

/** Bytes that are hashed together, because each call costs more than the hashing. */
const piece = 8192

/** The sha256 of values one after the other. Numbers take eight bytes, the rest has its length. */
export interface RecordHash {
  number(value: number): void
  /** Of at most 64 bits. */
  bigint(value: bigint): void
  text(value: ByteString): void
  bytes(value: Uint8Array): void
  /** Once. */
  digest(): Buffer
}

/** Of no values yet. */
export function createRecordHash(): RecordHash {
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(piece)
  const view = new DataView(buffer.buffer, buffer.byteOffset, piece)
  let used = 0

  function flush(): void {
    hash.update(buffer.subarray(0, used))
    used = 0
  }

  /** Makes room for so many bytes; `false` if there cannot be so much. */
  function reserve(length: number): boolean {
    if (used + length <= piece) return true
    flush()
    return length <= piece
  }

  function number(value: number): void {
    reserve(8)
    view.setFloat64(used, value)
    used += 8
  }

  function bytes(value: Uint8Array): void {
    number(value.length)
    if (reserve(value.length)) {
      buffer.set(value, used)
      used += value.length
    } else {
      hash.update(value)
    }
  }

  return {
    number,
    bigint(value) {
      reserve(8)
      view.setBigInt64(used, value)
      used += 8
    },
    text(value) {
      if (value.length > piece - 8) {
        bytes(Buffer.from(value, 'latin1'))
        return
      }
      number(value.length)
      reserve(value.length)
      used += buffer.write(value, used, 'latin1')
    },
    bytes,
    digest() {
      flush()
      return hash.digest()
    },
  }
}
