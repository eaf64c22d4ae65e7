import {setImmediate as turn} from 'node:timers/promises'
import {
  createBlockDeflate,
  deflateBound,
  largestBlock,
  loadDeflate,
  scratchLength,
  slack,
} from './block-deflate.js'
import {createMemory} from '../shared-memory.js'
import type {Deflater} from './deflater.js'

/**
 * Which bytes our own deflate gives: a part of the format, frozen by golden digests. Another one
 * has another number, and a section of its own in docs/deflate.md.
 */
export const ownDeflateVersion = 1

/** One for all that this thread does: what a block becomes depends on nothing but the block. */
let ofThread: ReturnType<typeof createOwnDeflate> | undefined

/**
 * Our own deflate in this thread: blocks of at most `largestBlock` bytes, one after the other. Lets
 * the event loop turn before each, so that signals are heard and what is done is sent.
 */
export function ownDeflater(): Deflater {
  const deflate = (ofThread ??= createOwnDeflate())
  return {
    async deflate(block) {
      await turn()
      return deflate(block)
    },
    close: () => Promise.resolve(),
  }
}

/** Compresses a block into memory that is the caller's. */
export function createOwnDeflate(): (block: Uint8Array) => Uint8Array {
  const input = scratchLength
  const output = input + largestBlock + slack
  const memory = createMemory(output + deflateBound(largestBlock) + slack)
  const compress = createBlockDeflate(loadDeflate(), memory, 0)
  const bytes = new Uint8Array(memory.buffer)
  return (block) => {
    if (block.length === 0 || block.length > largestBlock)
      throw new RangeError(`a block of ${block.length} bytes`)
    bytes.set(block, input)
    const length = compress(input, block.length, output)
    return Uint8Array.from(bytes.subarray(output, output + length))
  }
}
