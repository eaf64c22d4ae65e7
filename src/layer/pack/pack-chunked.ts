import {setImmediate as turn} from 'node:timers/promises'
import {type ChunkedEnd, createChunkedEncoder} from '../chunked/chunked-encoder.js'
import {type BlockBuffers, createBlockBuffers, zstdBlocks} from '../compress/blocks.js'
import {createZstd} from '../compress/zstd-frame.js'
import type {ContentBlocks} from './packed-content.js'

/** How the blocks of the tar are read. */
export interface PackChunkedOptions {
  readonly buffers: BlockBuffers | undefined
  readonly signal: AbortSignal | undefined
}

/** Bytes of a piece for the consumer, from when on no frame is added. */
const pieceSize = 256 * 1024

/** A layer as zstd:chunked, in this thread; returns what its descriptor is to say. */
export async function* packChunked(
  layer: ContentBlocks,
  {buffers, signal}: PackChunkedOptions,
): AsyncGenerator<Uint8Array, ChunkedEnd, undefined> {
  const {allocate, release} = buffers ?? createBlockBuffers()
  const encoder = createChunkedEncoder(createZstd())
  let ready: Uint8Array[] = []
  let size = 0
  for (const block of layer.blocks(zstdBlocks, allocate)) {
    await turn()
    signal?.throwIfAborted()
    const frames = encoder.write(block)
    release(block)
    ready.push(...frames)
    size += frames.reduce((sum, {length}) => sum + length, 0)
    if (size < pieceSize) continue
    yield Buffer.concat(ready)
    ready = []
    size = 0
  }
  const end = encoder.end()
  yield Buffer.concat([...ready, ...end.frames])
  return end
}
