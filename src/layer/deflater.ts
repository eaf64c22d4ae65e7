import {constants, deflateRaw} from 'node:zlib'
import {promisify} from 'node:util'

/** The default level: a part of the format, since another one gives other bytes. */
export const deflateLevel = 1

/** The bytes of one block, compressed by itself and ended by a sync flush at a byte boundary. */
export interface Deflater {
  readonly deflate: (block: Uint8Array) => Promise<Uint8Array>
  close(): Promise<void>
}

/** Output that does not fit into one chunk makes zlib split a deflate block, which changes the bytes: so it always fits. */
export function outputBound(length: number): number {
  return length + (length >> 8) + 1024
}

const run = promisify<Uint8Array, object, Buffer>(deflateRaw)

/** Node's own zlib on the libuv pool. */
export function zlibDeflater(level: number = deflateLevel): Deflater {
  return {
    deflate: async (block) => {
      const output = await run(block, {
        level,
        finishFlush: constants.Z_SYNC_FLUSH,
        chunkSize: outputBound(block.length),
      })
      // a view of a buffer of the block's size: whoever waits to be sent should hold no more than itself
      return output.length < block.length / 2 ? Buffer.from(output) : output
    },
    close: () => Promise.resolve(),
  }
}
