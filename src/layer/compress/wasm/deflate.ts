// Deflate for blocks, fast and always the same. docs/deflate.md explains it.
// https://www.rfc-editor.org/rfc/rfc1951
import {
  BLOCK_BYTES,
  DISTANCE_SYMBOLS,
  DISTANCES,
  END_OF_BLOCK,
  LENGTH_CODE_SYMBOLS,
  LITERAL_SYMBOLS,
  LONGEST_CODE,
  LONGEST_LENGTH_CODE,
  MOST_STORED,
} from './constants'
import {canonicalCodes, codeLengths} from './huffman'
import {
  CODE_LENGTHS,
  CODES,
  COUNTS_BYTES,
  FIRST_COUNTS,
  FREQUENCIES,
  LENGTH_SYMBOLS,
  META_CODES,
  META_FREQUENCIES,
  META_LENGTHS,
  POSITIONS,
  POSITIONS_BYTES,
  RUNS,
  SCRATCH_BYTES,
  SECOND_COUNTS,
} from './scratch'
import {search} from './search'
import {
  distanceExtraBits,
  fixedLength,
  lengthBase,
  lengthCodeOrder,
  lengthExtraBits,
  runExtraBits,
} from './symbols'
import {begin, place, put, putStored, putTokens} from './writer'

/** Bytes of working memory that each thread needs. */
export function scratchBytes(): u32 {
  return <u32>SCRATCH_BYTES
}

/** Bytes of a block, at most. */
export function blockBytes(): u32 {
  return BLOCK_BYTES
}

/**
 * Initializes working memory: writes nothing but what is the same ever after, so others may use the
 * memory meanwhile that have done so, too.
 */
export function prepare(scratch: usize): void {
  for (let symbol: u32 = 0; symbol < 29; symbol++) {
    // 258 has a symbol of its own, and 257 the last number of the one before
    const end: u32 = symbol == 28 ? 256 : symbol == 27 ? 255 : lengthBase(symbol + 1)
    for (let number = lengthBase(symbol); number < end; number++)
      store<u8>(scratch + LENGTH_SYMBOLS + number, symbol)
  }
}

/**
 * Compresses `length` bytes (1 to `blockBytes()`) at `from` by themselves, as one deflate block
 * that is not the last one, or as stored ones, with a sync flush after: ends at a byte boundary.
 * Returns how many bytes were written to `to`. Reads up to 8 bytes after the input, which change
 * nothing; writes up to 8 after the output, which is at most `length + length / 4096 + 32` bytes.
 */
export function deflateBlock(scratch: usize, from: usize, length: u32, to: usize): u32 {
  memory.fill(scratch + POSITIONS, 0, POSITIONS_BYTES)
  memory.fill(scratch + FIRST_COUNTS, 0, COUNTS_BYTES)
  begin(to)
  const tokensEnd = search(scratch, from, from + length)
  const extraBits = countSymbols(scratch)
  const fixedBits = sizeFixed(scratch) + extraBits
  codeLengths(scratch, scratch + FREQUENCIES, LITERAL_SYMBOLS, LONGEST_CODE, scratch + CODE_LENGTHS)
  store<u16>(scratch + CODE_LENGTHS + LITERAL_SYMBOLS, 0)
  codeLengths(
    scratch,
    scratch + FREQUENCIES + DISTANCES * 4,
    DISTANCE_SYMBOLS,
    LONGEST_CODE,
    scratch + CODE_LENGTHS + DISTANCES,
  )
  const literals = usedSymbols(scratch + CODE_LENGTHS, LITERAL_SYMBOLS, END_OF_BLOCK + 1)
  const distances = usedSymbols(scratch + CODE_LENGTHS + DISTANCES, DISTANCE_SYMBOLS, 1)
  const runsEnd = findRuns(scratch, literals, distances)
  codeLengths(
    scratch,
    scratch + META_FREQUENCIES,
    LENGTH_CODE_SYMBOLS,
    LONGEST_LENGTH_CODE,
    scratch + META_LENGTHS,
  )
  const ordered = usedLengthCodes(scratch)
  const dynamicBits = sizeDynamic(scratch, runsEnd, ordered) + extraBits

  const storedBits = (length << 3) + ((length + MOST_STORED - 1) / MOST_STORED) * 40 + 8
  if (storedBits <= dynamicBits && storedBits <= fixedBits) putStored(from, length)
  else if (fixedBits <= dynamicBits) {
    setFixedCodes(scratch)
    put(2, 3)
    putTokens(scratch, tokensEnd)
  } else {
    put(4, 3)
    put(literals - (END_OF_BLOCK + 1), 5)
    put(distances - 1, 5)
    put(ordered - 4, 4)
    for (let at: u32 = 0; at < ordered; at++)
      put(<u32>load<u8>(scratch + META_LENGTHS + lengthCodeOrder(at)), 3)
    canonicalCodes(scratch, scratch + META_LENGTHS, LENGTH_CODE_SYMBOLS, scratch + META_CODES)
    putRuns(scratch, runsEnd)
    canonicalCodes(scratch, scratch + CODE_LENGTHS, LITERAL_SYMBOLS, scratch + CODES)
    canonicalCodes(
      scratch,
      scratch + CODE_LENGTHS + DISTANCES,
      DISTANCE_SYMBOLS,
      scratch + CODES + DISTANCES * 2,
    )
    putTokens(scratch, tokensEnd)
  }
  // a sync flush
  putStored(to, 0)
  return <u32>(place() - to)
}

/** Frequencies of symbols, from those of tokens; returns the extra bits that all of them have. */
function countSymbols(scratch: usize): u32 {
  const frequencies = scratch + FREQUENCIES
  const firsts = scratch + FIRST_COUNTS
  const seconds = scratch + SECOND_COUNTS
  let extraBits: u32 = 0
  memory.fill(frequencies, 0, 320 * 4)
  memory.copy(frequencies, firsts, 256 * 4)
  store<u32>(frequencies + END_OF_BLOCK * 4, 1)
  for (let number: u32 = 0; number < 256; number++) {
    const count = load<u32>(firsts + ((256 + number) << 2))
    if (!count) continue
    const symbol = <u32>load<u8>(scratch + LENGTH_SYMBOLS + number)
    const frequency = frequencies + ((END_OF_BLOCK + 1 + symbol) << 2)
    store<u32>(frequency, load<u32>(frequency) + count)
    extraBits += count * lengthExtraBits(symbol)
  }
  for (let symbol: u32 = 0; symbol < DISTANCE_SYMBOLS; symbol++) {
    const count = load<u32>(seconds + ((256 + symbol) << 2))
    store<u32>(frequencies + ((DISTANCES + symbol) << 2), count)
    extraBits += count * distanceExtraBits(symbol)
  }
  return extraBits
}

/** Bits of the block by the fixed codes, without extra bits. */
function sizeFixed(scratch: usize): u32 {
  const frequencies = scratch + FREQUENCIES
  let bits: u32 = 3
  for (let symbol: u32 = 0; symbol < DISTANCES; symbol++)
    bits += load<u32>(frequencies + (symbol << 2)) * fixedLength(symbol)
  for (let symbol: u32 = 0; symbol < DISTANCE_SYMBOLS; symbol++)
    bits += load<u32>(frequencies + ((DISTANCES + symbol) << 2)) * 5
  return bits
}

/** Bits of the block by codes of its own, with the header that says what they are. */
function sizeDynamic(scratch: usize, runsEnd: usize, ordered: u32): u32 {
  let bits: u32 = 3 + 14 + 3 * ordered
  for (let symbol: u32 = 0; symbol < DISTANCES + DISTANCE_SYMBOLS; symbol++)
    bits +=
      load<u32>(scratch + FREQUENCIES + (symbol << 2)) *
      <u32>load<u8>(scratch + CODE_LENGTHS + symbol)
  for (let at = scratch + RUNS; at < runsEnd; at += 2) {
    const symbol = <u32>load<u16>(at) & 31
    bits += <u32>load<u8>(scratch + META_LENGTHS + symbol) + runExtraBits(symbol)
  }
  return bits
}

/** How many symbols stand in the header: all up to the last one that has a code. */
function usedSymbols(lengths: usize, count: u32, least: u32): u32 {
  let used = count
  while (used > least && !load<u8>(lengths + used - 1)) used--
  return used
}

function usedLengthCodes(scratch: usize): u32 {
  let used = LENGTH_CODE_SYMBOLS
  while (used > 4 && !load<u8>(scratch + META_LENGTHS + lengthCodeOrder(used - 1))) used--
  return used
}

/**
 * The code lengths of both alphabets, one after the other, with runs in short, and how often each
 * symbol of that occurs; returns where they end.
 * https://www.rfc-editor.org/rfc/rfc1951#section-3.2.7
 */
function findRuns(scratch: usize, literals: u32, distances: u32): usize {
  const all = literals + distances
  memory.fill(scratch + META_FREQUENCIES, 0, 20 * 4)
  let to = scratch + RUNS
  let at: u32 = 0
  while (at < all) {
    const length = lengthAt(scratch, literals, at)
    let next = at + 1
    while (next < all && lengthAt(scratch, literals, next) == length) next++
    let left = next - at
    at = next
    if (length) {
      to = putRun(scratch, to, length, 0)
      left--
      while (left >= 3) {
        const run = min<u32>(left, 6)
        to = putRun(scratch, to, 16, run - 3)
        left -= run
      }
    } else {
      while (left >= 11) {
        const run = min<u32>(left, 138)
        to = putRun(scratch, to, 18, run - 11)
        left -= run
      }
      if (left >= 3) {
        to = putRun(scratch, to, 17, left - 3)
        left = 0
      }
    }
    while (left > 0) {
      to = putRun(scratch, to, length, 0)
      left--
    }
  }
  return to
}

@inline
function lengthAt(scratch: usize, literals: u32, at: u32): u32 {
  return <u32>load<u8>(scratch + CODE_LENGTHS + (at < literals ? at : DISTANCES + at - literals))
}

@inline
function putRun(scratch: usize, to: usize, symbol: u32, extra: u32): usize {
  const frequency = scratch + META_FREQUENCIES + (symbol << 2)
  store<u32>(frequency, load<u32>(frequency) + 1)
  store<u16>(to, symbol | (extra << 5))
  return to + 2
}

function putRuns(scratch: usize, end: usize): void {
  for (let at = scratch + RUNS; at < end; at += 2) {
    const run = <u32>load<u16>(at)
    const symbol = run & 31
    put(
      <u32>load<u16>(scratch + META_CODES + (symbol << 1)),
      <u32>load<u8>(scratch + META_LENGTHS + symbol),
    )
    put(run >>> 5, runExtraBits(symbol))
  }
}

/** https://www.rfc-editor.org/rfc/rfc1951#section-3.2.6 */
function setFixedCodes(scratch: usize): void {
  const lengths = scratch + CODE_LENGTHS
  for (let symbol: u32 = 0; symbol < DISTANCES; symbol++)
    store<u8>(lengths + symbol, fixedLength(symbol))
  memory.fill(lengths + DISTANCES, 5, 32)
  canonicalCodes(scratch, lengths, DISTANCES, scratch + CODES)
  canonicalCodes(scratch, lengths + DISTANCES, 32, scratch + CODES + DISTANCES * 2)
}
