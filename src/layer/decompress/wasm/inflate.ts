// Inflate for blocks that were compressed by themselves, in memory that threads share. What it does
// not take may still be valid deflate: the caller passes it to zlib.
// https://www.rfc-editor.org/rfc/rfc1951
import {begin, nextByte, refill, take, taken} from './bits'
import {takeCodes, takeFixedCodes} from './codes'
import {BLOCK_BYTES, INPUT_SLACK, OUTPUT_SLACK} from './constants'
import {SCRATCH_BYTES} from './scratch'
import {prepareResults} from './tables'
import {takeTokens} from './tokens'

const NOT_OURS: i32 = -1

/** Bytes of working memory that each thread needs. */
export function scratchBytes(): u32 {
  return <u32>SCRATCH_BYTES
}

/** The most bytes that are read after a block. */
export function inputSlack(): u32 {
  return INPUT_SLACK
}

/** The most bytes that are written after the space for a block. */
export function outputSlack(): u32 {
  return OUTPUT_SLACK
}

/** Initializes working memory, once. */
export function prepare(scratch: usize): void {
  prepareResults(scratch)
}

/**
 * Inflates `length` bytes at `from` that are deflate blocks, none of them the stream's last, which
 * refer to nothing before them and end with an empty stored block, a sync flush, at their very end.
 * Returns how many bytes were written to `to`, at most 256 KiB; -1 for anything else. Reads up to
 * `inputSlack()` bytes after the input, which change nothing, and writes up to `outputSlack()`
 * after those 256 KiB.
 */
export function inflateBlock(scratch: usize, from: usize, length: u32, to: usize): i32 {
  const end = from + length
  const limit = to + BLOCK_BYTES
  let out = to
  begin(from)
  refill()
  while (!take(1)) {
    const kind = take(2)
    if (kind == 0) {
      const at = nextByte()
      if (at + 4 > end) return NOT_OURS
      const sizes = load<u32>(at)
      const size = sizes & 0xffff
      if (sizes >>> 16 != (size ^ 0xffff)) return NOT_OURS
      const content = at + 4
      if (size > <u32>(end - content) || size > <u32>(limit - out)) return NOT_OURS
      memory.copy(out, content, size)
      out += size
      begin(content + size)
      if (size == 0 && content == end) return <i32>(out - to)
      refill()
      continue
    }
    if (kind == 3) return NOT_OURS
    if (!(kind == 1 ? takeFixedCodes(scratch) : takeCodes(scratch, end))) return NOT_OURS
    out = takeTokens(scratch, end, to, out, limit)
    if (out == 0 || out > limit || taken() > end) return NOT_OURS
    refill()
  }
  return NOT_OURS
}
