import type {ByteString} from '../byte-string.js'

/** The size of a chunk of names in bytes. */
const pieceLength = 256 * 1024
/** Larger than any path, and larger than any chunk. */
const nameSpan = 2 ** 17
const pieceSpan = 2 ** 19

/** Many paths, numbered from 0: their bytes and eight more each, and no objects. */
export interface NameList {
  readonly length: number
  /** Returns its number. */
  add(name: ByteString): number
  /** A new string each time; empty for an unknown number. */
  at(number: number): ByteString
}

/** An empty list. */
export function createNameList(): NameList {
  const pieces: Buffer[] = []
  /** Used bytes of the last chunk. */
  let used = pieceLength
  let ends = new Float64Array(1024)
  let length = 0
  return {
    get length() {
      return length
    },
    add(name) {
      if (used + name.length > pieceLength) {
        pieces.push(Buffer.allocUnsafeSlow(Math.max(pieceLength, name.length)))
        used = 0
      }
      pieces.at(-1)?.write(name, used, 'latin1')
      used += name.length
      if (length === ends.length) {
        const larger = new Float64Array(2 * length)
        larger.set(ends)
        ends = larger
      }
      // chunk, end and length in one number
      ends[length] = ((pieces.length - 1) * pieceSpan + used) * nameSpan + name.length
      return length++
    },
    at(number) {
      const word = ends[number]
      if (number >= length || word === undefined) return ''
      const count = word % nameSpan
      const place = Math.floor(word / nameSpan)
      const end = place % pieceSpan
      return pieces[Math.floor(place / pieceSpan)]?.toString('latin1', end - count, end) ?? ''
    },
  }
}
