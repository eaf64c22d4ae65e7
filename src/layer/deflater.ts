import {constants, deflateRaw} from 'node:zlib'
import {availableParallelism} from 'node:os'
import {promisify} from 'node:util'

/** The default level: a part of the format, since another one gives other bytes. */
export const deflateLevel = 1

/** A part of the format, too. The most there is: a tenth faster than zlib's default of 8, and 0.4 % larger. */
export const memLevel = 9

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

/** Compressions that wait in the libuv pool beside those that run, so that no thread idles while this one reads. */
const waiting = 2

/** Node's own zlib on the libuv pool: `jobs` blocks at once, and a few that wait there. The others wait here, where they take no memory but their own. */
export function zlibDeflater(
  level: number = deflateLevel,
  jobs: number = availableParallelism(),
): Deflater {
  const turns: (() => void)[] = []
  let free = jobs + waiting
  const turn = async (): Promise<void> => {
    if (free > 0) free--
    else await new Promise<void>((resolve) => turns.push(resolve))
  }
  const next = (): void => {
    const first = turns.shift()
    if (first) first()
    else free++
  }
  return {
    deflate: async (block) => {
      await turn()
      try {
        const output = await run(block, {
          level,
          memLevel,
          finishFlush: constants.Z_SYNC_FLUSH,
          chunkSize: outputBound(block.length),
        })
        // a view of a buffer of the block's size: whoever waits to be sent should hold no more than itself
        return output.length < block.length / 2 ? Buffer.from(output) : output
      } finally {
        next()
      }
    },
    close: () => Promise.resolve(),
  }
}
