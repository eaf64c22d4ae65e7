import zlib, {createDeflateRaw, type DeflateRaw} from 'node:zlib'
import {availableParallelism} from 'node:os'

/** The default level: a part of the format, since another one gives other bytes. */
export const deflateLevel = 1

/**
 * A part of the format, too. The most there is: a tenth faster than zlib's default of 8, and 0.4 %
 * larger.
 */
const memLevel = 9

/** The bytes of one block, compressed by itself and ended by a sync flush at a byte boundary. */
export interface Deflater {
  readonly deflate: (block: Uint8Array) => Promise<Uint8Array>
  close(): Promise<void>
}

/**
 * Output that does not fit into one chunk makes zlib split a deflate block, which changes the
 * bytes: so it always fits.
 */
export function outputBound(length: number): number {
  return length + (length >> 8) + 1024
}

/**
 * Compressions that wait in the libuv pool beside those that run, so that no thread idles while
 * this one reads.
 */
const waiting = 2

/**
 * Node's own zlib on the libuv pool: `jobs` blocks at once, and a few that wait there. The others
 * wait here, where they take no memory but their own.
 */
export function zlibDeflater(
  level: number = deflateLevel,
  jobs: number = availableParallelism(),
): Deflater {
  const turns: (() => void)[] = []
  const idle: BlockStream[] = []
  let free = jobs + waiting
  let isClosed = false
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
      const stream = idle.pop() ?? createBlockStream(level)
      try {
        return await stream.deflate(block)
      } finally {
        if (isClosed) stream.close()
        else idle.push(stream)
        next()
      }
    },
    close: () => {
      isClosed = true
      for (const stream of idle.splice(0)) stream.close()
      return Promise.resolve()
    },
  }
}

/** Compresses one block after the other. */
interface BlockStream {
  deflate(block: Uint8Array): Promise<Uint8Array>
  close(): void
}

/** Bytes of output that zlib's streams have room for, at least. */
const chunkSize = 256 * 1024

/**
 * A stream that is reset between blocks, and its output's memory used again: to make them for each
 * takes a tenth of the time that compressing does, and leaves more garbage than what it gives,
 * which is collected late.
 */
function createBlockStream(level: number): BlockStream {
  let stream: (DeflateRaw & Output) | undefined
  let size = 0

  return {
    deflate(block) {
      const bound = outputBound(block.length)
      const current = stream && size >= bound && rewind(stream) ? stream : begin(bound)
      return new Promise((resolve, reject) => {
        current.write(block, (error) => {
          if (error) {
            // whatever state it is in, it is not used again
            size = 0
            reject(error)
            return
          }
          // a copy: what it was written to is written to again
          resolve(Buffer.from((current.read() ?? Buffer.alloc(0)) as Buffer))
        })
      })
    },
    close() {
      stream?.close()
    },
  }

  function begin(bound: number): DeflateRaw {
    stream?.close()
    size = Math.max(chunkSize, bound)
    const options = {
      level,
      memLevel,
      // in one go with the block: each call is a trip to another thread and back
      flush: zlib.constants.Z_SYNC_FLUSH,
      chunkSize: size,
      // it is read when the block is done, and not before
      readableHighWaterMark: size + 1,
    }
    stream = createDeflateRaw(options)
    // told to anyone who waits for the block
    stream.on('error', () => undefined)
    return stream
  }
}

/**
 * Where a stream of Node's writes next in its output. No part of what Node promises: where it is
 * missing, a stream is made again for each block.
 */
interface Output {
  _outOffset?: unknown
}

function rewind(stream: DeflateRaw & Output): boolean {
  if (typeof stream._outOffset !== 'number') return false
  stream._outOffset = 0
  stream.reset()
  return true
}
