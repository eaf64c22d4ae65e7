import {
  HASH_BITS,
  HASH_FACTOR,
  HASHED_BYTES,
  LENGTH_OFFSET,
  LONGEST_MATCH,
  MOST_SKIPPED,
  NOTHING,
  SKIP_BITS,
  TAIL_BYTES,
  WINDOW_BYTES,
} from './constants'
import {FIRST_COUNTS, POSITIONS, SECOND_COUNTS, TOKENS} from './scratch'

/**
 * Turns the bytes from `start` to `end` into tokens, counts the halves of tokens, and returns where
 * the tokens end.
 *
 * The table holds one position for each hash, the lower 16 bits of it. It is empty (all zero) when
 * a block begins, so what it says is always a position of this block, at most 65,535 bytes back:
 * one comparison, of the distance with the window, tells whether it can be used, and four bytes
 * whether it is a match. Two positions are looked up in each turn, from one load; where both match,
 * the second wins if it is longer (within eight bytes).
 */
export function search(scratch: usize, start: usize, end: usize): usize {
  const positions = scratch + POSITIONS
  const firsts = scratch + FIRST_COUNTS
  const seconds = scratch + SECOND_COUNTS
  const limit: usize = end - start > TAIL_BYTES ? end - TAIL_BYTES : start
  let token = scratch + TOKENS
  let at = start
  let lastMatch = start

  while (at < limit) {
    const bytes = load<u64>(at)
    const position = <u32>(at - start)
    const slot = positions + (hash(bytes) << 1)
    const nextSlot = positions + (hash(load<u64>(at + 1)) << 1)
    const distance = (position - <u32>load<u16>(slot)) & 0xffff
    store<u16>(slot, position)
    const nextDistance = (position + 1 - <u32>load<u16>(nextSlot)) & 0xffff
    store<u16>(nextSlot, position + 1)
    const matches =
      u32(load<u32>(at - distance) == <u32>bytes) & u32(distance - 1 < WINDOW_BYTES)
    const nextMatches =
      u32(load<u32>(at + 1 - nextDistance) == <u32>(bytes >> 8)) &
      u32(nextDistance - 1 < WINDOW_BYTES)

    if (!(matches | nextMatches)) {
      token = putLiterals(firsts, token, at)
      at += 2
      // what had no match for long will hardly have one soon
      let pairs = <u32>(at - lastMatch - 2) >> SKIP_BITS
      if (pairs) {
        pairs = min<u32>(pairs, MOST_SKIPPED)
        if (at + (pairs << 1) < limit) {
          do {
            token = putLiterals(firsts, token, at)
            at += 2
          } while (--pairs)
        }
      }
      continue
    }

    let isNext: u32 = matches ^ 1
    if (matches & nextMatches & u32(distance != nextDistance)) {
      const differs = bytes ^ load<u64>(at - distance)
      const nextDiffers = load<u64>(at + 1) ^ load<u64>(at + 1 - nextDistance)
      if (differs != 0 && (nextDiffers == 0 || ctz(nextDiffers) >> 3 > ctz(differs) >> 3))
        isNext = 1
    }
    const back = isNext ? nextDistance : distance

    // a literal before the match, without a branch: when there is none its place is taken again
    const literal = <u32>bytes & 255
    const count = firsts + (literal << 2)
    store<u32>(token, literal | (NOTHING << 9))
    token += isNext << 2
    store<u32>(count, load<u32>(count) + isNext)
    at += isNext

    const length = matchLength(at, back, end)
    token = putMatch(firsts, seconds, token, length, back)
    const matched = <u32>(at - start)
    at += length
    lastMatch = at
    // the last three positions of a match, and its third one, can be found later
    remember(positions, load<u64>(at - 1), matched + length - 1)
    remember(positions, load<u64>(at - 2), matched + length - 2)
    remember(positions, load<u64>(at - length + 2), matched + 2)
    remember(positions, load<u64>(at - 3), matched + length - 3)
  }

  while (at < end) {
    const literal = <u32>load<u8>(at++)
    increment(firsts + (literal << 2))
    store<u32>(token, literal | (NOTHING << 9))
    token += 4
  }
  return token
}

@inline
function hash(bytes: u64): u32 {
  return <u32>(((bytes << (64 - 8 * HASHED_BYTES)) * HASH_FACTOR) >> (64 - HASH_BITS))
}

@inline
function increment(count: usize): void {
  store<u32>(count, load<u32>(count) + 1)
}

@inline
function remember(positions: usize, bytes: u64, position: u32): void {
  store<u16>(positions + (hash(bytes) << 1), position)
}

/** A token of two literals. */
@inline
function putLiterals(firsts: usize, token: usize, at: usize): usize {
  const one = <u32>load<u8>(at)
  const other = <u32>load<u8>(at, 1)
  increment(firsts + (one << 2))
  increment(firsts + (other << 2))
  store<u32>(token, one | (other << 9))
  return token + 4
}

@inline
function putMatch(firsts: usize, seconds: usize, token: usize, length: u32, back: u32): usize {
  const value = back - 1
  const extraBits: u32 = 30 - <u32>clz<u32>(value | 2)
  const high = value >>> extraBits
  const symbol = high + (extraBits << 1) + 256
  const lengthNumber = length + LENGTH_OFFSET
  increment(firsts + (lengthNumber << 2))
  increment(seconds + (symbol << 2))
  store<u32>(token, lengthNumber | (symbol << 9) | ((value - (high << extraBits)) << 18))
  return token + 4
}

/**
 * How many bytes at `at` are those `back` before, known to be four and more; none at or after
 * `end`. Looks at up to seven bytes after it, which do not matter.
 */
@inline
function matchLength(at: usize, back: usize, end: usize): u32 {
  const stop = min<usize>(at + LONGEST_MATCH, end)
  let here = at
  do {
    const differs = load<u64>(here) ^ load<u64>(here - back)
    if (differs) {
      here += <usize>(ctz(differs) >> 3)
      break
    }
    here += 8
  } while (here < stop)
  return <u32>(min<usize>(here, stop) - at)
}
