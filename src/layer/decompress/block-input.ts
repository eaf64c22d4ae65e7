import {gzipHeader} from '../gzip-header.js'
import {blockEnd} from './block-end.js'
import {longestBlock} from './threads/block-inflate.js'

/** Gzip that begins like our own, to be read block by block. */
export interface BlockInput {
  /** The next block, in reused memory; `undefined` if what follows is not a block of ours. */
  peek(): Promise<Buffer | undefined>
  /** Skips so many bytes of what `peek` returned. */
  skip(length: number): void
  /** Everything that was not skipped, to the end. */
  rest(): AsyncGenerator<Uint8Array, void, undefined>
  /** All of the gzip, instead of blocks: before the first one is asked for. */
  whole(): AsyncGenerator<Uint8Array, void, undefined>
  /** Closes the content. */
  close(): Promise<void>
}

/** The size of gzip, in bytes, below which starting threads does not pay off. */
const small = 1024 * 1024
const roomLength = small + 2 * longestBlock

/**
 * Looks whether `content` is gzip of our own, and large: with `blocks` behind the header if it is,
 * else as it was.
 */
export async function openBlocks(
  content: AsyncIterable<Uint8Array>,
): Promise<
  | {readonly blocks: BlockInput; readonly content?: undefined}
  | {readonly blocks?: undefined; readonly content: AsyncIterable<Uint8Array>}
> {
  const chunks = content[Symbol.asyncIterator]() as AsyncIterator<Uint8Array, void>
  const room = Buffer.allocUnsafeSlow(roomLength)
  let [start, end] = [0, 0]
  /** The part that did not fit. */
  let chunk: Uint8Array = new Uint8Array(0)
  let isOver = false
  const close = async (): Promise<void> => {
    await chunks.return?.()
  }
  try {
    await fill(small)
    const isOurs = end >= small && room.subarray(0, gzipHeader.length).equals(gzipHeader)
    if (!isOurs || blockEnd(room.subarray(0, end), gzipHeader.length) === undefined)
      return {content: rest()}
  } catch (error) {
    await close()
    throw error
  }
  start = gzipHeader.length
  return {
    blocks: {
      async peek() {
        await fill(longestBlock)
        const held = room.subarray(start, end)
        const length = blockEnd(held, 0)
        return length === undefined ? undefined : held.subarray(0, length)
      },
      skip(length) {
        start += length
      },
      rest,
      whole() {
        start = 0
        return rest()
      },
      close,
    },
  }

  /** Reads until `length` bytes are buffered, or to the end. */
  async function fill(length: number): Promise<void> {
    while (end - start < length) {
      if (chunk.length === 0) {
        const {value, done} = isOver ? {done: true} : await chunks.next()
        if (done === true || value === undefined) {
          isOver = true
          return
        }
        chunk = value
      }
      if (end === room.length) {
        room.copyWithin(0, start, end)
        end -= start
        start = 0
      }
      const part = chunk.subarray(0, room.length - end)
      room.set(part, end)
      end += part.length
      chunk = chunk.subarray(part.length)
    }
  }

  async function* rest(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      if (end > start) yield room.subarray(start, end)
      start = end
      if (chunk.length > 0) yield chunk
      while (!isOver) {
        const {value, done} = await chunks.next()
        if (done === true) isOver = true
        else yield value
      }
    } finally {
      if (!isOver) await close()
    }
  }
}
