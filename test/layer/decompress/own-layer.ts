import {crc32} from 'node:zlib'
import {gzipHeader, gzipTrailer} from '../../../src/layer/compress/gzip.js'
import {createOwnDeflate} from '../../../src/layer/compress/own-deflater.js'

/** A generator of its own, so that a failure comes again. */
export function random(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** Bytes of many kinds: noise, few values, runs, copies from near, from far, of themselves. */
export function generated(next: (below: number) => number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  const values = 1 + next(next(2) === 0 ? 4 : 256)
  for (let at = 0; at < length;) {
    const piece = Math.min(1 + next(next(8) === 0 ? 400 : 20), length - at)
    const kind = next(6)
    if (kind === 0) bytes.fill(next(256), at, at + piece)
    else if (kind < 4 && at > 0) {
      const from = at - 1 - next(Math.min(at, kind === 1 ? 8 : 40_000))
      for (let i = 0; i < piece; i++) bytes[at + i] = bytes[from + i] ?? 0
    } else for (let i = 0; i < piece; i++) bytes[at + i] = next(values)
    at += piece
  }
  return bytes
}

export const noise = (length: number, seed = 1): Buffer => {
  const next = random(seed)
  const bytes = Buffer.alloc(length)
  for (let at = 0; at < length; at++) bytes[at] = next(256)
  return bytes
}

/** A block of our own deflate. */
export const ownBlock = createOwnDeflate()

/** Blocks as they are in our own layers, of at most so many bytes. */
export function ownBlocks(content: Buffer, length = 256 * 1024): Buffer {
  const blocks: Uint8Array[] = []
  for (let at = 0; at < content.length; at += length)
    blocks.push(ownBlock(content.subarray(at, at + length)))
  return Buffer.concat(blocks)
}

/** Gzip of deflate blocks of which none is the last, with `content` for its sums. */
export const member = (blocks: Uint8Array, content: Buffer): Buffer =>
  Buffer.concat([gzipHeader, blocks, gzipTrailer(crc32(content), content.length)])

/** A layer as we write it. */
export const ownGzip = (content: Buffer): Buffer => member(ownBlocks(content), content)
