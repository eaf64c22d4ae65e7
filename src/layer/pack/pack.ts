import {availableParallelism} from 'node:os'
import {setImmediate as turn} from 'node:timers/promises'
import type {LayerCompression} from '../../oci/media-type.js'
import type {BlobSource} from '../../store/content-store.js'
import {type BlockBuffers, createBlockBuffers, gzipBlocks, zstdBlocks} from '../compress/blocks.js'
import {type BlockCache, cachedCompression} from '../compress/block-cache.js'
import {compressAhead} from '../compress/compress-ahead.js'
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
import {packOwn} from './pack-own.js'
import type {Entries} from '../tree/walked-entry.js'

/** Bytes of blocks that wait to be compressed or sent, beyond one for each job. */
const slack = gzipBlocks.large

/**
 * A layer as a blob that is made anew, from the same entries and so with the same bytes, each time
 * it is opened.
 */
export interface LayerSource extends BlobSource {
  /** Of the stream that was last read to its end; throws when none was. */
  content(): PackedContent
}

/** What decides, beside the entries, what the bytes of a layer are. */
export interface LayerFormat {
  /** Default: gzip. */
  readonly compression?: LayerCompression | undefined
  /** Of gzip by zlib, 1 to 9. Default: our own deflate, which has none. */
  readonly level?: number | undefined
}

export interface PackOptions extends LayerFormat, ContentOptions {
  /** How many blocks are compressed at once. Default: one for each processor. */
  readonly jobs?: number | undefined
  /** Asked for blocks before they are compressed. */
  readonly cache?: BlockCache | undefined
  /** What blocks are read into, shared ones for zstd; default: this layer's own. */
  readonly buffers?: BlockBuffers | undefined
  /** For our own deflate; default: this layer's own. */
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
  return {
    async *open(call) {
      const signal = call?.signal
      if (compression === 'gzip' && level === undefined) {
        const own = threads ?? layerThreads(jobs)
        try {
          packed = yield* packOwn(entries, {...options, cache, buffers, threads: own, signal})
        } finally {
          if (!threads) await own.close()
        }
        return
      }
      const layer = contentBlocks(entries, options)
      yield* compressors[compression](layer, {level, jobs, cache, buffers, signal})
      packed = await layer.content()
    },
    content() {
      if (!packed) throw new Error('the layer has not been read to its end')
      return packed
    },
  }
}

/** Of zstd among the ways to compress; those of gzip are its levels. */
const zstdKind = 100

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

const compressors: Readonly<Record<LayerCompression, Compressor>> = {
  async *gzip(layer, {level = deflateLevel, jobs, cache, buffers, signal}) {
    const deflater = await createDeflater({level, jobs})
    try {
      const {allocate, release} = buffers ?? createBlockBuffers()
      const ahead = jobs * gzipBlocks.large + slack
      const compress = cachedCompression(deflater.deflate, cache, level)
      yield* gzip(layer.blocks(gzipBlocks, allocate), {compress, ahead, release, signal})
    } finally {
      await deflater.close()
    }
  },
  async *zstd(layer, {jobs, cache, buffers, signal}) {
    const {zstdPool, zstdThreads} = await import('../compress/zstd-pool.js')
    const pool = zstdPool(zstdThreads(jobs))
    try {
      // a copy for each message would pile up in the worker
      const {allocate, release} = buffers ?? createBlockBuffers({shared: true})
      const blocks = layer.blocks(zstdBlocks, allocate)
      const compress = cachedCompression(pool.compress, cache, zstdKind)
      // a frame for each block, one after the other:
      // https://www.rfc-editor.org/rfc/rfc8878#section-3
      const ahead = (jobs + 1) * zstdBlocks.large
      yield* compressAhead(blocks, {compress, ahead, release, signal})
    } finally {
      await pool.close()
    }
  },
  async *none(layer, {signal}) {
    // anyone who gets them may keep them
    for (const block of layer.blocks(gzipBlocks, (length) => Buffer.allocUnsafeSlow(length))) {
      await turn()
      signal?.throwIfAborted()
      yield block
    }
  },
}
