// Bits on their way out, the first one lowest. At most 7 of them wait between two calls; 8 bytes are
// written at once, so up to 7 after the last one are overwritten.
import {DISTANCES, END_OF_BLOCK, LENGTH_OFFSET, LEAST_MATCH, MOST_STORED, NOTHING} from './constants'
import {CODE_LENGTHS, CODES, FIRST_CODES, LENGTH_SYMBOLS, SECOND_CODES, TOKENS} from './scratch'
import {distanceExtraBits, lengthBase, lengthExtraBits} from './symbols'

let waiting: u64 = 0
let waitingBits: u32 = 0
let output: usize = 0

export function begin(at: usize): void {
  waiting = 0
  waitingBits = 0
  output = at
}

/** Where the next byte goes. */
export function place(): usize {
  return output
}

/** Up to 32 bits. */
@inline
export function put(bits: u32, count: u32): void {
  waiting |= <u64>bits << waitingBits
  waitingBits += count
  store<u64>(output, waiting)
  output += waitingBits >>> 3
  waiting >>= waitingBits & 0x38
  waitingBits &= 7
}

/** The bytes as stored blocks, none of them the last one. */
export function putStored(from: usize, length: u32): void {
  let at = from
  let left = length
  do {
    const part = min<u32>(left, MOST_STORED)
    put(0, 3)
    if (waitingBits) {
      store<u8>(output, <u8>waiting)
      output++
      waiting = 0
      waitingBits = 0
    }
    store<u32>(output, part | ((part ^ 0xffff) << 16))
    output += 4
    memory.copy(output, at, part)
    output += part
    at += part
    left -= part
  } while (left > 0)
}

/**
 * All tokens, and the end of the block, by the codes in the scratch. No branch for what a token is:
 * its two halves are looked up, and the bits of both written at once.
 */
export function putTokens(scratch: usize, end: usize): void {
  prepareCodes(scratch)
  const firsts = scratch + FIRST_CODES
  const seconds = scratch + SECOND_CODES
  let bits = waiting
  let count = waitingBits
  let to = output
  for (let at = scratch + TOKENS; at < end; at += 4) {
    const token = load<u32>(at)
    const first = load<u32>(firsts + ((token & 511) << 2))
    const second = load<u32>(seconds + ((token >>> 7) & 0x7fc))
    const firstBits = first >>> 24
    const extra = (token >>> 18) << ((second >>> 16) & 31)
    const both = <u64>(first & 0xffffff) | (<u64>((second & 0xffff) | extra) << <u64>firstBits)
    bits |= both << <u64>count
    count += firstBits + (second >>> 24)
    store<u64>(to, bits)
    to += count >>> 3
    bits >>= <u64>(count & 0x38)
    count &= 7
  }
  waiting = bits
  waitingBits = count
  output = to
  put(
    <u32>load<u16>(scratch + CODES + (END_OF_BLOCK << 1)),
    <u32>load<u8>(scratch + CODE_LENGTHS + END_OF_BLOCK),
  )
}

/** What each half of a token is as bits. */
function prepareCodes(scratch: usize): void {
  const lengths = scratch + CODE_LENGTHS
  const codes = scratch + CODES
  const firsts = scratch + FIRST_CODES
  const seconds = scratch + SECOND_CODES
  for (let literal: u32 = 0; literal < 256; literal++) {
    const length = <u32>load<u8>(lengths + literal)
    const code = <u32>load<u16>(codes + (literal << 1))
    store<u32>(firsts + (literal << 2), code | (length << 24))
    store<u32>(seconds + (literal << 2), code | (length << 16) | (length << 24))
  }
  for (let number: u32 = 0; number < 256; number++) {
    const symbol = <u32>load<u8>(scratch + LENGTH_SYMBOLS + number)
    const length = <u32>load<u8>(lengths + END_OF_BLOCK + 1 + symbol)
    const code = <u32>load<u16>(codes + ((END_OF_BLOCK + 1 + symbol) << 1))
    const extra = (number - lengthBase(symbol)) << length
    store<u32>(
      firsts + ((number + LENGTH_OFFSET + LEAST_MATCH) << 2),
      code | extra | ((length + lengthExtraBits(symbol)) << 24),
    )
  }
  for (let symbol: u32 = 0; symbol < 30; symbol++) {
    const length = <u32>load<u8>(lengths + DISTANCES + symbol)
    const code = <u32>load<u16>(codes + ((DISTANCES + symbol) << 1))
    const bits = length + distanceExtraBits(symbol)
    store<u32>(seconds + ((256 + symbol) << 2), code | (length << 16) | (bits << 24))
  }
  store<u32>(seconds + (NOTHING << 2), 0)
}
