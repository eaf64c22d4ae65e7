import type {ByteString} from '../byte-string.js'
import type {RowReader} from '../recording/rows/packed-rows.js'
import {createNameList, type NameList} from '../tree/name-list.js'
import {FloatList} from '../number-lists.js'

/** Larger than any name. */
const nameSpan = 2 ** 17

/**
 * Names of rows, each the end of the path that `rows()` is at when it is added: eight bytes each,
 * because they are read where they lie. Those that do not lie there in one piece are copied.
 */
export function createRowNames(
  pieces: readonly Uint8Array[],
  rows: () => Pick<RowReader, 'pieceAt' | 'pathEndAt'>,
): NameList {
  const copies = createNameList()
  const starts: number[] = []
  let total = 0
  for (const {length} of pieces) {
    starts.push(total)
    total += length
  }
  /** Of each name its end and its length, in one number; its number in `copies`, below 0. */
  const places = new FloatList()
  return {
    get length() {
      return places.length
    },
    add(name) {
      const at = rows()
      const end = at.pathEndAt(name.length)
      if (end === undefined) places.push(-1 - copies.add(name))
      else places.push(((starts[at.pieceAt] ?? 0) + end) * nameSpan + name.length)
      return places.length - 1
    },
    at(number) {
      if (number >= places.length) return ''
      const word = places.at(number)
      if (word < 0) return copies.at(-1 - word)
      return textAt(Math.floor(word / nameSpan), word % nameSpan)
    },
  }

  /** Of all pieces, one after the other. */
  function textAt(end: number, length: number): ByteString {
    let [low, high] = [0, starts.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if ((starts[middle] ?? 0) < end) low = middle
      else high = middle - 1
    }
    const {buffer, byteOffset} = pieces[low] as Uint8Array
    const from = byteOffset + end - (starts[low] ?? 0) - length
    return Buffer.from(buffer, from, length).toString('latin1')
  }
}
