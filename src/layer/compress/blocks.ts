import type {ByteString} from '../byte-string.js'
import {largestBlock} from './block-deflate.js'

/**
 * Where a tar is cut into blocks that are compressed one by one: a part of the format, since other
 * cuts give other bytes. Small entries share a block and are never torn; whether one ends its block
 * depends on its path and size only, so that the cuts after a change are where they were. Anything
 * larger than `most` has blocks of its own.
 */
export interface BlockRule {
  /** Bytes before which a block is not ended. */
  readonly least: number
  /** Bytes between two entries that end a block, on average. */
  readonly apart: number
  /** Bytes that a block of small entries holds at most. */
  readonly most: number
  /** Bytes of each block, but the last one, of a large entry. */
  readonly large: number
}

/** Of zlib's levels. */
export const gzipBlocks: BlockRule = {
  least: 96 * 1024,
  apart: 128 * 1024,
  most: 512 * 1024,
  large: 1024 * 1024,
}

/** Of our own deflate, which takes no more at once. */
export const ownBlocks: BlockRule = {
  least: 144 * 1024,
  apart: 56 * 1024,
  most: largestBlock,
  large: largestBlock,
}

/** Frames refer to nothing before them, so they are larger. */
export const zstdBlocks: BlockRule = {
  least: 512 * 1024,
  apart: 512 * 1024,
  most: 1024 * 1024,
  large: 1024 * 1024,
}

/**
 * A number below 2^32 that decides whether a block may end after the entry of this path. FNV-1a,
 * mixed once more so that names which differ in their last character are far apart.
 * http://www.isthe.com/chongo/tech/comp/fnv/
 */
export function pathHash(path: ByteString): number {
  let value = 0x811c9dc5
  for (let at = 0; at < path.length; at++)
    value = Math.imul(value ^ path.charCodeAt(at), 0x01000193)
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  return (value ^ (value >>> 13)) >>> 0
}

/**
 * Memory for blocks that is used again once it is given back: new memory for each would be garbage
 * faster than it is collected.
 */
export interface BlockBuffers {
  readonly allocate: (length: number) => Buffer
  /** A block may fill its buffer in part only. */
  readonly release: (block: Buffer) => void
}
/** Buffers of any lengths, to be shared by anyone who packs one layer after the other. */
export function createBlockBuffers(): BlockBuffers {
  const spare = new Map<number, Buffer[]>()
  return {
    allocate: (length) => spare.get(length)?.pop() ?? Buffer.allocUnsafeSlow(length),
    release({buffer}) {
      const {byteLength} = buffer
      const list = spare.get(byteLength) ?? []
      spare.set(byteLength, list)
      list.push(Buffer.from(buffer))
    },
  }
}
