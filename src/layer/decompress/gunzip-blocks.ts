import {setImmediate as turn} from 'node:timers/promises'
import {prepended} from '../../stream/bytes.js'
import {gzipHeader} from '../gzip-header.js'
import type {BlockInput} from './block-input.js'
import {inflateRest, type MemberSoFar} from './inflate-rest.js'
import type {InflateThreads} from './threads/inflate-threads.js'

/** After so many blocks the network has its turn: some milliseconds. */
const blocksPerTurn = 4

/** Deflate's window in bytes. */
const windowLength = 32 * 1024

/**
 * As `gunzip` of the same content, by threads, which hash what comes out, too. They inflate blocks
 * of our own deflate; from where something else comes, zlib goes on. So what is taken, and what is
 * thrown, is what zlib says. A chunk is valid until the next one is asked for.
 */
export async function* gunzipBlocks(
  blocks: BlockInput,
  threads: InflateThreads,
  read: {bytes: number},
): AsyncGenerator<Uint8Array, void, undefined> {
  const putting = putAll(blocks, threads)
  try {
    let length = 0
    const window = createWindow()
    read.bytes = gzipHeader.length
    for (let count = 1; ; count++) {
      const block = await threads.take()
      if (!block) break
      read.bytes += block.stored
      length += block.bytes.length
      window.add(block.bytes)
      yield block.bytes
      if (count % blocksPerTurn === 0) await turn()
    }
    await putting
    const {crc, left} = await threads.stop()
    const before: MemberSoFar = {read: read.bytes, length, crc, window: window.bytes()}
    for await (const chunk of inflateRest(prepended(left, blocks.rest()), before, read)) {
      await threads.hash(chunk)
      yield chunk
    }
  } finally {
    threads.abandon()
    await putting
    await blocks.close()
  }
}

/** Never rejects: an error of the content is thrown to the reader of the blocks. */
async function putAll(blocks: BlockInput, threads: InflateThreads): Promise<void> {
  try {
    for (;;) {
      const block = await blocks.peek()
      if (!block || !(await threads.put(block))) break
      blocks.skip(block.length)
    }
    threads.endBlocks()
  } catch (error) {
    threads.fail(error instanceof Error ? error : new Error(String(error)))
  }
}

/** Copies of the last bytes that were added, in memory that is used again for each block. */
function createWindow() {
  const memory = Buffer.alloc(windowLength)
  let filled = 0
  return {
    add(bytes: Buffer): void {
      const added = bytes.subarray(-windowLength)
      const kept = Math.min(filled, windowLength - added.length)
      memory.copyWithin(0, filled - kept, filled)
      added.copy(memory, kept)
      filled = kept + added.length
    },
    bytes: () => memory.subarray(0, filled),
  }
}
