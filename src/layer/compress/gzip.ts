import {crc32} from 'node:zlib'
import {gzipHeader} from '../gzip-header.js'
import {compressAhead, type CompressAheadOptions} from './compress-ahead.js'

/** An empty last deflate block, after the sync flush of the one before. */
const end = Uint8Array.of(3, 0)

/** What stands after the blocks: their end, and the sums of `length` bytes of content. */
export function gzipTrailer(crc: number, length: number): Uint8Array {
  const sums = Buffer.alloc(8)
  sums.writeUInt32LE(crc, 0)
  sums.writeUInt32LE(length % 2 ** 32, 4)
  return Buffer.concat([end, sums])
}

/**
 * One gzip member of the blocks, compressed in parallel; `compress` gives a block on its own as
 * deflate blocks of which none is the last, ended at a byte boundary. The bytes depend on the
 * blocks and where they are cut, and on nothing else: not on the number of processors, nor on which
 * block is done first.
 */
export async function* gzip(
  blocks: Iterable<Buffer> | AsyncIterable<Buffer>,
  options: CompressAheadOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  let crc = 0
  let length = 0
  yield gzipHeader
  yield* compressAhead(summed(), options)
  yield gzipTrailer(crc, length)

  async function* summed(): AsyncGenerator<Buffer, void, undefined> {
    for await (const block of blocks) {
      // zlib takes an empty buffer, which may have no address, for a call to start over
      if (block.length === 0) continue
      crc = crc32(block, crc)
      length += block.length
      yield block
    }
  }
}
