import {crc32} from 'node:zlib'
import {gzipTrailer} from '../../../src/layer/compress/gzip.js'
import {createOwnDeflate} from '../../../src/layer/compress/own-deflater.js'
import {gzipHeader} from '../../../src/layer/gzip-header.js'

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
