import {peek, refill, take, taken} from './bits'
import {
  DISTANCE_BITS,
  DISTANCE_SYMBOLS,
  END_OF_BLOCK,
  LENGTH_CODE_BITS,
  LENGTH_CODE_SYMBOLS,
  LITERAL_BITS,
  LITERAL_SYMBOLS,
  MOST_DISTANCE_SYMBOLS,
  MOST_LITERAL_SYMBOLS,
} from './constants'
import {
  CODE_LENGTHS,
  DISTANCE_RESULTS,
  DISTANCE_TABLE,
  LENGTH_CODE_LENGTHS,
  LENGTH_CODE_RESULTS,
  LENGTH_CODE_TABLE,
  LITERAL_RESULTS,
  LITERAL_TABLE,
} from './scratch'
import {buildTable} from './tables'

/** Builds the tables of a block with the fixed codes. */
export function takeFixedCodes(scratch: usize): bool {
  const lengths = scratch + CODE_LENGTHS
  memory.fill(lengths, 8, 144)
  memory.fill(lengths + 144, 9, 112)
  memory.fill(lengths + 256, 7, 24)
  memory.fill(lengths + 280, 8, 8)
  memory.fill(lengths + LITERAL_SYMBOLS, 5, DISTANCE_SYMBOLS)
  return buildTables(scratch, LITERAL_SYMBOLS, DISTANCE_SYMBOLS)
}

/**
 * Makes the tables of a block that brings its codes; `false` when these are not complete, or do not
 * end by `end`.
 * https://www.rfc-editor.org/rfc/rfc1951#section-3.2.7
 */
export function takeCodes(scratch: usize, end: usize): bool {
  const lengths = scratch + CODE_LENGTHS
  const orderedLengths = scratch + LENGTH_CODE_LENGTHS
  refill()
  const literals = take(5) + END_OF_BLOCK + 1
  const distances = take(5) + 1
  const ordered = take(4) + 4
  if (literals > MOST_LITERAL_SYMBOLS || distances > MOST_DISTANCE_SYMBOLS) return false
  memory.fill(orderedLengths, 0, LENGTH_CODE_SYMBOLS)
  for (let place: u32 = 0; place < ordered; place++) {
    refill()
    store<u8>(orderedLengths + lengthCodeOrder(place), take(3))
  }
  if (
    !buildTable(
      scratch,
      orderedLengths,
      LENGTH_CODE_SYMBOLS,
      scratch + LENGTH_CODE_RESULTS,
      scratch + LENGTH_CODE_TABLE,
      LENGTH_CODE_BITS,
    )
  )
    return false
  const count = literals + distances
  for (let at: u32 = 0; at < count;) {
    if (taken() > end) return false
    refill()
    const entry = load<u32>(scratch + LENGTH_CODE_TABLE + (peek(LENGTH_CODE_BITS) << 2))
    take(entry & 0xff)
    const symbol = entry >>> 16
    if (symbol < 16) {
      store<u8>(lengths + at++, symbol)
      continue
    }
    if (symbol == 16 && at == 0) return false
    const repeated: u8 = symbol == 16 ? load<u8>(lengths + at - 1) : <u8>0
    const times: u32 = symbol == 16 ? take(2) + 3 : symbol == 17 ? take(3) + 3 : take(7) + 11
    if (at + times > count) return false
    memory.fill(lengths + at, repeated, times)
    at += times
  }
  if (!load<u8>(lengths + END_OF_BLOCK)) return false
  return buildTables(scratch, literals, distances)
}

function buildTables(scratch: usize, literals: u32, distances: u32): bool {
  const lengths = scratch + CODE_LENGTHS
  return (
    buildTable(
      scratch,
      lengths,
      literals,
      scratch + LITERAL_RESULTS,
      scratch + LITERAL_TABLE,
      LITERAL_BITS,
    ) &&
    buildTable(
      scratch,
      lengths + literals,
      distances,
      scratch + DISTANCE_RESULTS,
      scratch + DISTANCE_TABLE,
      DISTANCE_BITS,
    )
  )
}

/** The order in which lengths of the code for code lengths are written: 16 17 18 0 8 7 9 6 10 … */
@inline
function lengthCodeOrder(place: u32): u32 {
  if (place < 3) return 16 + place
  const n = place - 3
  if (n == 0) return 0
  return n & 1 ? 8 + (n >> 1) : 8 - (n >> 1)
}
