import {setImmediate as turn} from 'node:timers/promises'
import {gzipHeader} from '../gzip-header.js'
import {deflateBound, largestBlock, loadDeflate, scratchLength} from './block-deflate.js'
import {type BlockRule, ownBlocks, zstdBlocks} from './blocks.js'
import {compressAhead, type CompressAheadOptions} from './compress-ahead.js'
import {gzip, gzipTrailer} from './gzip.js'
import {ownDeflater, ownDeflateVersion} from './own-deflater.js'
import {createZstd, loadZstdModule, zstdBound, zstdVersion} from './zstd-frame.js'

/** How a tar becomes a layer block by block, in this thread or in several: with the same bytes. */
export interface BlockCodec {
  readonly name: 'deflate' | 'zstd'
  readonly rule: BlockRule
  /** Stands for it in the keys of a cache: below are zlib's levels. */
  readonly kind: number
  /** Stands before all blocks. */
  readonly head: Uint8Array
  /** Stands after them. `undefined`: nothing, and no CRC is needed. */
  readonly tail: ((crc: number, length: number) => Uint8Array) | undefined
  /** All of it, where the blocks are compressed in this thread. */
  readonly stream: (
    blocks: Iterable<Buffer>,
    options: CompressAheadOptions,
  ) => AsyncGenerator<Uint8Array, void, undefined>
  readonly shape: CodecShape
  /** What threads need for it, compiled once. */
  readonly module: () => WebAssembly.Module
  /**
   * One block in this thread. Lets the event loop turn before each, so that signals are handled and
   * what is done is sent.
   */
  readonly start: () => Promise<(block: Uint8Array) => Promise<Uint8Array>>
}

/** What threads need for it, in bytes but for the places. */
interface CodecShape {
  /** Working memory of a thread in the memory that all share. */
  readonly scratch: number
  readonly input: number
  readonly output: number
  /** Blocks that are under way at once, for so many threads that compress. */
  readonly places: (threads: number) => number
  /** The same where many layers are read, and memory is short; default: `places`. */
  readonly fewPlaces?: (threads: number) => number
}

/** One gzip member by our own deflate. */
export const ownDeflate: BlockCodec = {
  name: 'deflate',
  rule: ownBlocks,
  kind: 200 + ownDeflateVersion,
  head: gzipHeader,
  tail: gzipTrailer,
  stream: gzip,
  shape: {
    scratch: scratchLength,
    input: largestBlock,
    output: deflateBound(largestBlock),
    places: (threads) => 8 + 4 * threads,
    fewPlaces: (threads) => 4 + 3 * threads,
  },
  module: loadDeflate,
  start: () => Promise.resolve(ownDeflater().deflate),
}

/**
 * A zstd frame for each block, one after the other.
 * https://www.rfc-editor.org/rfc/rfc8878#section-3
 */
export const zstd: BlockCodec = {
  name: 'zstd',
  rule: zstdBlocks,
  kind: 100 + zstdVersion,
  head: new Uint8Array(),
  tail: undefined,
  stream: compressAhead,
  shape: {
    scratch: 0,
    input: zstdBlocks.large,
    output: zstdBound(zstdBlocks.large),
    places: (threads) => 2 + 2 * threads,
  },
  module: loadZstdModule,
  start() {
    const frameOf = createZstd()
    return Promise.resolve(async (block: Uint8Array) => {
      await turn()
      return frameOf(block)
    })
  },
}
