import {longestBlock} from './threads/block-inflate.js'

/** How a sync flush ends: an empty stored block, at a byte boundary. */
const flushEnd = Buffer.of(0, 0, 0xff, 0xff)

/**
 * Where a block of our own deflate that begins at `from` ends, if there is one: after the first
 * sync flush, as far as can be told without inflating it. `undefined` for anything else, such as
 * the end of all blocks. `bytes` must go on for `longestBlock` bytes, or up to the end of the
 * stream.
 *
 * What is stored may hold the bytes of a sync flush, so stored parts are passed over by their
 * length. Codes hold them by chance once in four gigabytes; that is found out when the block is
 * inflated.
 */
export function blockEnd(bytes: Buffer, from: number): number | undefined {
  const limit = Math.min(bytes.length, from + longestBlock)
  let at = from
  // three bits that say "stored" and "not the last", and five that fill the byte
  while (at + 5 <= limit && bytes[at] === 0) {
    const length = bytes.readUInt16LE(at + 1)
    if (bytes.readUInt16LE(at + 3) !== (length ^ 0xffff)) return undefined
    at += 5 + length
    if (at > limit) return undefined
    if (length === 0) return at
  }
  const isLast = ((bytes[at] ?? 1) & 1) === 1
  if (at >= limit || isLast) return undefined
  const found = bytes.subarray(at, limit).indexOf(flushEnd)
  return found === -1 ? undefined : at + found + flushEnd.length
}
