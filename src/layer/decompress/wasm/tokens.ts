import {LONGEST_CODE} from '../../wasm/canonical'
import {bitsWaiting, countWaiting, inputAt, resume} from './bits'
import {DISTANCE_BITS, END, LITERAL, LITERAL_BITS, OTHER, SECOND} from './constants'
import {DISTANCE_TABLE, LITERAL_TABLE} from './scratch'

const LITERAL_MASK: u64 = (1 << LITERAL_BITS) - 1
const SECOND_LITERAL_MASK: u64 = (1 << (LONGEST_CODE - LITERAL_BITS)) - 1
const DISTANCE_MASK: u64 = (1 << DISTANCE_BITS) - 1
const SECOND_DISTANCE_MASK: u64 = (1 << (LONGEST_CODE - DISTANCE_BITS)) - 1

/**
 * Writes what the codes of one block stand for to `to`, by the tables in the scratch, until the
 * block ends; returns where. 0 when it does not end by `end`, comes to more than up to `limit`, or
 * refers to anything before `start`.
 *
 * A turn reads up to three literals, or up to two and a match. Its bits are there after one refill
 * of 56: three first codes of 11 bits; or two, a code of 15 and 5 extra bits. A distance of 15 and
 * 13 more has a refill of its own. Bounds are looked at once a turn: it writes 2 + 258 bytes and 7
 * that do not count, and reads up to `INPUT_SLACK` after `end`.
 */
export function takeTokens(
  scratch: usize,
  end: usize,
  start: usize,
  to: usize,
  limit: usize,
): usize {
  const literals = scratch + LITERAL_TABLE
  const distances = scratch + DISTANCE_TABLE
  // at most eight bytes are buffered, and only the first one counts
  const lastInput = end + 8
  let bits = bitsWaiting()
  let count = countWaiting()
  let input = inputAt()
  let out = to

  while (input <= lastInput && out <= limit) {
    bits |= load<u64>(input) << <u64>count
    input += (63 - count) >>> 3
    count |= 56

    let entry = load<u32>(literals + (<usize>(bits & LITERAL_MASK) << 2))
    if (entry & LITERAL) {
      bits >>= <u64>entry
      count -= entry & 63
      store<u8>(out++, entry >>> 16)
      entry = load<u32>(literals + (<usize>(bits & LITERAL_MASK) << 2))
      if (entry & LITERAL) {
        bits >>= <u64>entry
        count -= entry & 63
        store<u8>(out++, entry >>> 16)
        entry = load<u32>(literals + (<usize>(bits & LITERAL_MASK) << 2))
        if (entry & LITERAL) {
          bits >>= <u64>entry
          count -= entry & 63
          store<u8>(out++, entry >>> 16)
          continue
        }
      }
    }

    if (entry & OTHER) {
      if (entry & SECOND) {
        bits >>= LITERAL_BITS
        count -= LITERAL_BITS
        const at = (entry >>> 16) + <u32>(bits & SECOND_LITERAL_MASK)
        entry = load<u32>(literals + (at << 2))
        if (entry & LITERAL) {
          bits >>= <u64>entry
          count -= entry & 63
          store<u8>(out++, entry >>> 16)
          continue
        }
      }
      if (entry & END) {
        resume(bits >> <u64>entry, count - (entry & 63), input)
        return out
      }
      if (entry & OTHER) return 0
    }
    const length = (entry >>> 16) + extraBits(bits, entry)
    bits >>= <u64>entry
    count -= entry & 63

    bits |= load<u64>(input) << <u64>count
    input += (63 - count) >>> 3
    count |= 56
    entry = load<u32>(distances + (<usize>(bits & DISTANCE_MASK) << 2))
    if (entry & OTHER) {
      if (!(entry & SECOND)) return 0
      bits >>= DISTANCE_BITS
      count -= DISTANCE_BITS
      const at = (entry >>> 16) + <u32>(bits & SECOND_DISTANCE_MASK)
      entry = load<u32>(distances + (at << 2))
      if (entry & OTHER) return 0
    }
    const distance = (entry >>> 16) + extraBits(bits, entry)
    bits >>= <u64>entry
    count -= entry & 63
    if (distance > <u32>(out - start)) return 0
    repeat(out, distance, out + length)
    out += length
  }
  return 0
}

/** The extra bits after the code of an entry. */
@inline
function extraBits(bits: u64, entry: u32): u32 {
  return <u32>((bits & ((<u64>1 << <u64>(entry & 63)) - 1)) >> <u64>((entry >>> 8) & 15))
}

/**
 * Copies what is `distance` before `to`, which may be what it writes, up to `end` and up to seven
 * bytes after it. Of eight bytes at a nearer distance only so many are right, and the next ones are
 * written over the others.
 */
@inline
function repeat(to: usize, distance: u32, end: usize): void {
  const step = min<u32>(distance, 8)
  let from = to - distance
  do {
    store<u64>(to, load<u64>(from))
    from += step
    to += step
  } while (to < end)
}
