import {availableParallelism} from 'node:os'
import {setImmediate as turn} from 'node:timers/promises'
import type {NewLayerCompression} from '../../oci/media-type.js'
import type {BlobSource} from '../../store/content-store.js'
import {type BlockBuffers, createBlockBuffers, gzipBlocks} from '../compress/blocks.js'
import {type BlockCache, cachedCompression} from '../compress/block-cache.js'
import {type BlockCodec, ownDeflate, zstd} from '../compress/codec.js'
import type {ChunkedEnd} from '../chunked/chunked-encoder.js'
import {createDeflater} from '../compress/create-deflater.js'
import {deflateLevel} from '../compress/deflater.js'
import {gzip} from '../compress/gzip.js'
import {
  type ContentBlocks,
  contentBlocks,
  type ContentOptions,
  type PackedContent,
} from './packed-content.js'
import {layerThreads, type LayerThreads} from './layer-threads.js'
import {packBlocks} from './pack-blocks.js'
import type {Entries} from '../tree/walked-entry.js'

/** Bytes of blocks that wait to be compressed or sent, beyond one for each job. */
const slack = gzipBlocks.large

/**
 * A layer as a blob that is made again, from the same entries and so with the same bytes, each time
 * it is opened.
 */
export interface LayerSource extends BlobSource {
  /** Of the stream that was last read to its end; throws when none was. */
  content(): PackedContent
  /** Of its descriptor: where the table of contents is, of a layer that has one. As `content`. */
  annotations(): Readonly<Record<string, string>> | undefined
  /** Why a layer of zstd:chunked has no table of contents. As `content`. */
  obstacle(): string | undefined
}

/** What decides, beside the entries, what the bytes of a layer are. */
export interface LayerFormat {
  /** Default: gzip. */
  readonly compression?: NewLayerCompression | undefined
  /** Of gzip by zlib, 1 to 9. Default: our own deflate, which has none. */
  readonly level?: number | undefined
}

export interface PackOptions extends LayerFormat, ContentOptions {
  /** How many blocks are compressed at once. Default: one for each processor. */
  readonly jobs?: number | undefined
  /** Asked for blocks before they are compressed. */
  readonly cache?: BlockCache | undefined
  /** The buffers for blocks; default: new ones for this layer. */
  readonly buffers?: BlockBuffers | undefined
  /** Not used for zlib's levels; default: new ones for this layer. */
  readonly threads?: LayerThreads | undefined
}

/**
 * A layer of the entries, in one pass and bounded memory: walk, tar, diff ID, compress. `entries`
 * is called once for each pass.
 */
export function packLayer(
  entries: Entries,
  {
    compression = 'gzip',
    level,
    jobs = availableParallelism(),
    cache,
    buffers,
    threads,
    ...options
  }: PackOptions = {},
): LayerSource {
  let packed: PackedContent | undefined
  let chunked: ChunkedEnd | undefined
  return {
    async *open(call) {
      const signal = call?.signal
      const codec = codecOf(compression, level)
      if (codec) {
        const own = threads ?? layerThreads(jobs)
        try {
          packed = yield* packBlocks(entries, {
            ...options,
            codec,
            cache,
            buffers,
            threads: own,
            signal,
            isTransient: call?.isTransient,
          })
        } finally {
          if (!threads) await own.close()
        }
        return
      }
      const layer = contentBlocks(entries, options)
      const how = {level, jobs, cache, buffers, signal}
      if (compression === 'zstd:chunked') {
        const {packChunked} = await import('./pack-chunked.js')
        chunked = yield* packChunked(layer, how)
      } else if (compression === 'none') yield* noCompressor(layer, how)
      else yield* zlibCompressor(layer, how)
      packed = await layer.content()
    },
    content() {
      if (!packed) throw new Error('the layer has not been read to its end')
      return packed
    },
    annotations: () => chunked?.annotations,
    obstacle: () => chunked?.obstacle,
  }
}

/** What compresses blocks; `undefined` for zlib's levels, zstd:chunked and uncompressed layers. */
export function codecOf(
  compression: LayerFormat['compression'] = 'gzip',
  level?: number,
): BlockCodec | undefined {
  if (compression === 'zstd') return zstd
  return compression === 'gzip' && level === undefined ? ownDeflate : undefined
}

interface Compressing {
  readonly level: number | undefined
  readonly jobs: number
  readonly cache: BlockCache | undefined
  readonly buffers: BlockBuffers | undefined
  readonly signal: AbortSignal | undefined
}

type Compressor = (
  layer: ContentBlocks,
  how: Compressing,
) => AsyncGenerator<Uint8Array, void, undefined>

const zlibCompressor: Compressor = async function* (
  layer,
  {level = deflateLevel, jobs, cache, buffers, signal},
) {
  const deflater = await createDeflater({level, jobs})
  try {
    const {allocate, release} = buffers ?? createBlockBuffers()
    const ahead = jobs * gzipBlocks.large + slack
    const compress = cachedCompression(deflater.deflate, cache, level)
    yield* gzip(layer.blocks(gzipBlocks, allocate), {compress, ahead, release, signal})
  } finally {
    await deflater.close()
  }
}

const noCompressor: Compressor = async function* (layer, {signal}) {
  // the consumer may keep them
  for (const block of layer.blocks(gzipBlocks, (length) => Buffer.allocUnsafeSlow(length))) {
    await turn()
    signal?.throwIfAborted()
    yield block
  }
}
