import {
  DISTANCE_SYMBOLS,
  END,
  END_OF_BLOCK,
  LENGTH_CODE_SYMBOLS,
  LITERAL,
  LITERAL_SYMBOLS,
  LONGEST_CODE,
  MOST_DISTANCE_SYMBOLS,
  MOST_LITERAL_SYMBOLS,
  OTHER,
  SECOND,
} from './constants'
import {
  DISTANCE_RESULTS,
  LENGTH_CODE_RESULTS,
  LENGTH_COUNTS,
  LITERAL_RESULTS,
  NEXT_CODES,
} from './scratch'

/**
 * What each symbol stands for; the bits of its extra bits are in the entry's lowest byte already.
 * https://www.rfc-editor.org/rfc/rfc1951#section-3.2.5
 */
export function prepareResults(scratch: usize): void {
  const literals = scratch + LITERAL_RESULTS
  for (let symbol: u32 = 0; symbol < END_OF_BLOCK; symbol++)
    store<u32>(literals + (symbol << 2), LITERAL | (symbol << 16))
  store<u32>(literals + (END_OF_BLOCK << 2), OTHER | END)
  let base: u32 = 3
  for (let symbol: u32 = 257; symbol < MOST_LITERAL_SYMBOLS; symbol++) {
    const number = symbol - 257
    const extra: u32 = number < 8 || number == 28 ? 0 : (number >> 2) - 1
    if (number == 28) base = 258
    store<u32>(literals + (symbol << 2), (base << 16) | extra)
    base += 1 << extra
  }
  for (let symbol = MOST_LITERAL_SYMBOLS; symbol < LITERAL_SYMBOLS; symbol++)
    store<u32>(literals + (symbol << 2), OTHER)

  const distances = scratch + DISTANCE_RESULTS
  base = 1
  for (let symbol: u32 = 0; symbol < MOST_DISTANCE_SYMBOLS; symbol++) {
    const extra: u32 = symbol < 4 ? 0 : (symbol >> 1) - 1
    store<u32>(distances + (symbol << 2), (base << 16) | extra)
    base += 1 << extra
  }
  for (let symbol = MOST_DISTANCE_SYMBOLS; symbol < DISTANCE_SYMBOLS; symbol++)
    store<u32>(distances + (symbol << 2), OTHER)

  for (let symbol: u32 = 0; symbol < LENGTH_CODE_SYMBOLS; symbol++)
    store<u32>(scratch + LENGTH_CODE_RESULTS + (symbol << 2), symbol << 16)
}

/**
 * Makes `table` of the lengths of `count` symbols' codes: what the next `bits` bits stand for.
 * `false` unless the codes are complete, as ours always are: other decoders differ on the others.
 */
export function buildTable(
  scratch: usize,
  lengths: usize,
  count: u32,
  results: usize,
  table: usize,
  bits: u32,
): bool {
  const counts = scratch + LENGTH_COUNTS
  const next = scratch + NEXT_CODES
  memory.fill(counts, 0, 16 * 4)
  for (let symbol: u32 = 0; symbol < count; symbol++) {
    const place = counts + (<u32>load<u8>(lengths + symbol) << 2)
    store<u32>(place, load<u32>(place) + 1)
  }
  store<u32>(counts, 0)
  let code: u32 = 0
  for (let length: u32 = 1; length <= LONGEST_CODE; length++) {
    code = (code + load<u32>(counts + ((length - 1) << 2))) << 1
    store<u32>(next + (length << 2), code)
  }
  if (code + load<u32>(counts + (LONGEST_CODE << 2)) != 1 << LONGEST_CODE) return false

  const size: u32 = 1 << bits
  const secondBits = LONGEST_CODE - bits
  let end = size
  memory.fill(table, 0, size << 2)
  for (let symbol: u32 = 0; symbol < count; symbol++) {
    const length = <u32>load<u8>(lengths + symbol)
    if (!length) continue
    const place = next + (length << 2)
    const own = load<u32>(place)
    store<u32>(place, own + 1)
    const reverse = reversed(own, length)
    const result = load<u32>(results + (symbol << 2))
    if (length <= bits) {
      const entry = result + length + (length << 8)
      for (let at = reverse; at < size; at += 1 << length) store<u32>(table + (at << 2), entry)
      continue
    }
    const first = table + ((reverse & (size - 1)) << 2)
    let begins = load<u32>(first) >>> 16
    if (!begins) {
      begins = end
      end += 1 << secondBits
      store<u32>(first, OTHER | SECOND | (begins << 16) | bits)
    }
    const left = length - bits
    const entry = result + left + (left << 8)
    for (let at = reverse >>> bits; at < <u32>(1 << secondBits); at += 1 << left)
      store<u32>(table + ((begins + at) << 2), entry)
  }
  return true
}

/** The lower `count` bits (up to 16), reversed. */
@inline
function reversed(bits: u32, count: u32): u32 {
  let b = ((bits & 0x5555) << 1) | ((bits >>> 1) & 0x5555)
  b = ((b & 0x3333) << 2) | ((b >>> 2) & 0x3333)
  b = ((b & 0x0f0f) << 4) | ((b >>> 4) & 0x0f0f)
  b = ((b & 0xff) << 8) | (b >>> 8)
  return b >>> (16 - count)
}
