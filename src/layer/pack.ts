import {availableParallelism} from 'node:os'
import {setImmediate as turn} from 'node:timers/promises'
import {createDigester, type Digest} from '../oci/digest.js'
import type {LayerCompression} from '../oci/media-type.js'
import type {BlobSource, CallOptions} from '../store/content-store.js'
import {type BlockBuffers, createBlockBuffers} from './block-buffers.js'
import {type BlockCache, cachedCompression} from './block-cache.js'
import {type BlockHash, createBlockHash} from './block-hash.js'
import {type BlockRule, gzipBlocks, zstdBlocks} from './block-rule.js'
import {compressAhead} from './compress-ahead.js'
import {createDeflater} from './create-deflater.js'
import {deflateLevel} from './deflater.js'
import {gzip} from './gzip.js'
import {writeTar} from './tar-writer.js'
import type {WalkedEntry} from './walk.js'

/** Bytes of blocks that wait to be compressed or sent, beyond one for each job. */
const slack = gzipBlocks.large

/** What a packed directory amounts to. */
export interface PackedContent {
  /** Of the uncompressed tar: the identity of the content. */
  readonly diffId: Digest
  /** Bytes of the uncompressed tar. */
  readonly tarSize: number
  readonly entries: number
  /** Seconds since the epoch, of the newest entry; 0 for an empty directory. */
  readonly newestMtime: number
}

/** A layer as a blob that is made anew, from the same entries and so with the same bytes, each time it is opened. */
export interface LayerSource extends BlobSource {
  /** Of the stream that was last read to its end; throws when none was. */
  content(): PackedContent
}

/** What decides, beside the entries, what the bytes of a layer are. */
export interface LayerFormat {
  /** Default: gzip. */
  readonly compression?: LayerCompression | undefined
  /** Of gzip, 1 to 9. */
  readonly level?: number | undefined
}

export interface PackOptions extends LayerFormat {
  /** How many blocks are compressed at once. Default: one for each processor. */
  readonly jobs?: number | undefined
  /** Asked for blocks before they are compressed. */
  readonly cache?: BlockCache | undefined
  /** What blocks are read into, shared ones for zstd; default: this layer's own. */
  readonly buffers?: BlockBuffers | undefined
  /** Told how many bytes of tar have been read so far, at most once a block. */
  readonly onProgress?: ((tarBytes: number) => void) | undefined
}

/** A layer of the entries, in one pass and bounded memory: walk, tar, diff ID, compress. `entries` is called once for each pass. */
export function packLayer(
  entries: () => Iterable<WalkedEntry>,
  {
    compression = 'gzip',
    level = deflateLevel,
    jobs = availableParallelism(),
    cache,
    buffers,
    ...options
  }: PackOptions = {},
): LayerSource {
  let packed: PackedContent | undefined
  return {
    async *open(call) {
      const survey = surveyor(entries, options)
      yield* compressors[compression](survey, {level, jobs, cache, buffers, signal: call?.signal})
      packed = await survey.content()
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
  readonly level: number
  readonly jobs: number
  readonly cache: BlockCache | undefined
  readonly buffers: BlockBuffers | undefined
  readonly signal: AbortSignal | undefined
}

type Compressor = (
  survey: Surveyor,
  how: Compressing,
) => AsyncGenerator<Uint8Array, void, undefined>

const compressors: Readonly<Record<LayerCompression, Compressor>> = {
  async *gzip(survey, {level, jobs, cache, buffers, signal}) {
    const deflater = await createDeflater({level, jobs})
    try {
      const {allocate, release} = buffers ?? createBlockBuffers()
      const ahead = jobs * gzipBlocks.large + slack
      const compress = cachedCompression(deflater.deflate, cache, level)
      yield* gzip(survey.blocks(gzipBlocks, allocate), {compress, ahead, release, signal})
    } finally {
      await deflater.close()
    }
  },
  async *zstd(survey, {jobs, cache, buffers, signal}) {
    const {zstdPool} = await import('./zstd-pool.js')
    // this thread, which reads and hashes, is as busy as one that compresses
    const pool = zstdPool(Math.max(1, jobs - 1))
    try {
      // a copy for each message would pile up in the worker
      const {allocate, release} = buffers ?? createBlockBuffers({shared: true})
      const blocks = survey.blocks(zstdBlocks, allocate)
      const compress = cachedCompression(pool.compress, cache, zstdKind)
      // a frame for each block, one after the other: https://www.rfc-editor.org/rfc/rfc8878#section-3
      const ahead = (jobs + 1) * zstdBlocks.large
      yield* compressAhead(blocks, {compress, ahead, release, signal})
    } finally {
      await pool.close()
    }
  },
  async *none(survey, {signal}) {
    // whoever gets them may keep them
    for (const block of survey.blocks(gzipBlocks, (length) => Buffer.allocUnsafeSlow(length))) {
      await turn()
      signal?.throwIfAborted()
      yield block
    }
  },
}

/** Where blocks are cut does not matter to a hash: as large as can be. */
const hashBlocks: BlockRule = {...gzipBlocks, least: Infinity, most: gzipBlocks.large}

/** What a directory has to keep to for `hashLayer` to go on. */
export interface HashBounds {
  /** Bytes of tar. */
  readonly limit?: number
  /** Seconds since the epoch, of any entry. */
  readonly newest?: number
}

export interface HashOptions extends Pick<PackOptions, 'onProgress'> {
  /** Hash in another thread: worth its start for some ten megabytes and more. */
  readonly inThread?: boolean | undefined
}

/** What `packLayer` would give, without compressing: reads every file, holds few blocks. Stops with `undefined` once the entries are out of bounds. */
export async function hashLayer(
  entries: () => Iterable<WalkedEntry>,
  {
    signal,
    limit = Infinity,
    newest = Infinity,
    inThread = false,
    onProgress,
  }: HashOptions & CallOptions & HashBounds = {},
): Promise<PackedContent | undefined> {
  const hash = await blockHash(inThread)
  try {
    const survey = surveyor(entries, {onProgress, hash})
    let size = 0
    for (const part of survey.blocks(hashBlocks, hash.room)) {
      size += part.length
      if (size > limit || survey.newest() > newest) return undefined
      // reading is synchronous: without a turn of the event loop no signal would be heard
      await turn()
      signal?.throwIfAborted()
    }
    return await survey.content()
  } finally {
    await hash.close()
  }
}

async function blockHash(inThread: boolean): Promise<BlockHash> {
  if (!inThread) return createBlockHash(gzipBlocks.large)
  const {startHashThread} = await import('./hash-thread.js')
  return startHashThread(gzipBlocks.large)
}

interface SurveyOptions extends Pick<PackOptions, 'onProgress'> {
  /** What hashes the blocks; default: this thread. */
  readonly hash?: {
    readonly update: (block: Buffer) => void
    readonly digest: () => Digest | Promise<Digest>
  }
}

type Surveyor = ReturnType<typeof surveyor>

/** Counts and hashes what goes by, so that packing and hashing cannot differ. */
function surveyor(
  entries: () => Iterable<WalkedEntry>,
  {onProgress, hash = createDigester()}: SurveyOptions,
) {
  let tarSize = 0
  let count = 0
  let newestMtime: number | undefined

  function* counted(): Generator<WalkedEntry> {
    for (const walked of entries()) {
      count++
      newestMtime = Math.max(newestMtime ?? -Infinity, walked.entry.mtime)
      yield walked
    }
  }

  return {
    /** Of the entries so far. */
    newest: (): number => newestMtime ?? -Infinity,
    *blocks(rule: BlockRule, allocate: (length: number) => Buffer): Generator<Buffer> {
      for (const block of writeTar(counted(), rule, allocate)) {
        hash.update(block)
        tarSize += block.length
        onProgress?.(tarSize)
        yield block
      }
    },
    content: async (): Promise<PackedContent> => ({
      diffId: await hash.digest(),
      tarSize,
      entries: count,
      newestMtime: newestMtime ?? 0,
    }),
  }
}
