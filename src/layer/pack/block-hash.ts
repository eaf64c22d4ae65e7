import {type BlockBuffers, createBlockBuffers} from '../compress/blocks.js'
import {createDigester, type Digest} from '../../oci/digest.js'

/** Hashes blocks that are written into memory of its own. */
export interface BlockHash {
  /** Room for the next block; waits until what was there is hashed. */
  readonly room: () => Buffer
  /** What `room` gave last, or the start of it, is the next block. */
  readonly update: (block: Buffer) => void
  /** The sha256 of all blocks since the last digest: after the last one of a layer. */
  readonly digest: () => Promise<Digest>
  readonly close: () => Promise<void>
}

/** In this thread, each block at once; in memory of `buffers`, to which it goes back. */
export function createBlockHash(
  blockSize: number,
  {allocate, release}: BlockBuffers = createBlockBuffers(),
): BlockHash {
  const block = allocate(blockSize)
  let digester = createDigester()
  return {
    room: () => block,
    update: (bytes) => digester.update(bytes),
    digest() {
      const digest = digester.digest()
      digester = createDigester()
      return Promise.resolve(digest)
    },
    close() {
      release(block)
      return Promise.resolve()
    },
  }
}
