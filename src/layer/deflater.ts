import zlib, {createDeflateRaw, type DeflateRaw} from 'node:zlib'
import {availableParallelism} from 'node:os'

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

/** Compressions that wait in the libuv pool beside those that run, so that no thread idles while this one reads. */
const waiting = 2

/** Node's own zlib on the libuv pool: `jobs` blocks at once, and a few that wait there. The others wait here, where they take no memory but their own. */
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

/** Bytes of output after which zlib's stream is made anew: it fills one chunk, and what follows must fit into it, too. */
const chunkSize = 1024 * 1024

/** Compresses one block after the other. */
interface BlockStream {
  deflate(block: Uint8Array): Promise<Uint8Array>
  close(): void
}

/** A stream that is reset between blocks: to make one for each takes a tenth of the time that compressing does, and leaves more garbage than what it gives. */
function createBlockStream(level: number): BlockStream {
  let stream: DeflateRaw | undefined
  let left = 0

  return {
    deflate(block) {
      const bound = outputBound(block.length)
      const current = stream && left >= bound ? again(stream) : begin(Math.max(chunkSize, bound))
      return new Promise((resolve, reject) => {
        current.write(block, (error) => {
          if (error) {
            // whatever state it is in, it is not used again
            left = 0
            reject(error)
            return
          }
          const bytes = (current.read() ?? Buffer.alloc(0)) as Buffer
          left -= bytes.length
          // a view of the chunk: whoever waits to be sent should hold no more than itself
          resolve(Buffer.from(bytes))
        })
      })
    },
    close() {
      stream?.close()
    },
  }

  function again(current: DeflateRaw): DeflateRaw {
    current.reset()
    return current
  }

  function begin(size: number): DeflateRaw {
    stream?.close()
    left = size
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
    // told to whoever waits for the block
    stream.on('error', () => undefined)
    return stream
  }
}
