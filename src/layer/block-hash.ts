import {createDigester, type Digest} from '../oci/digest.js'

/** Hashes blocks that are written into memory of its own. */
export interface BlockHash {
  /** Room for the next block; waits until what was there is hashed. */
  readonly room: () => Buffer
  /** What `room` gave last, or the start of it, is the next block. */
  readonly update: (block: Buffer) => void
  /** The sha256 of all blocks: after the last one. */
  readonly digest: () => Promise<Digest>
  readonly close: () => Promise<void>
}

/** In this thread, each block at once. */
export function createBlockHash(blockSize: number): BlockHash {
  const block = Buffer.allocUnsafeSlow(blockSize)
  const digester = createDigester()
  return {
    room: () => block,
    update: (bytes) => digester.update(bytes),
    digest: () => Promise.resolve(digester.digest()),
    close: () => Promise.resolve(),
  }
}
