import type {ByteString} from '../byte-string.js'
import {FloatList} from '../number-lists.js'

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
  /** Of each name its piece, its end in that, and its length, in one number. */
  const places = new FloatList()
  return {
    get length() {
      return places.length
    },
    add(name) {
      if (used + name.length > pieceLength) {
        pieces.push(Buffer.allocUnsafeSlow(Math.max(pieceLength, name.length)))
        used = 0
      }
      pieces.at(-1)?.write(name, used, 'latin1')
      used += name.length
      places.push(((pieces.length - 1) * pieceSpan + used) * nameSpan + name.length)
      return places.length - 1
    },
    at(number) {
      if (number >= places.length) return ''
      const word = places.at(number)
      const count = word % nameSpan
      const place = Math.floor(word / nameSpan)
      const end = place % pieceSpan
      return pieces[Math.floor(place / pieceSpan)]?.toString('latin1', end - count, end) ?? ''
    },
  }
}
