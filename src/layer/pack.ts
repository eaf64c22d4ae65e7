import {availableParallelism} from 'node:os'
import {setImmediate as turn} from 'node:timers/promises'
import {createDigester, type Digest} from '../oci/digest.js'
import type {LayerCompression} from '../oci/media-type.js'
import type {BlobSource, CallOptions} from '../store/content-store.js'
import {createDeflater} from './create-deflater.js'
import {gzip} from './gzip.js'
import {writeTar} from './tar-writer.js'
import type {WalkedEntry} from './walk.js'
import {zstd, zstdBlockLength} from './zstd.js'
import {zstdPool} from './zstd-pool.js'

/** Where the tar is cut for compression: part of the format, since another size gives other bytes. */
const blockLength = 1024 * 1024

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

export interface PackOptions {
  /** Default: gzip. */
  readonly compression?: LayerCompression | undefined
  /** Told how many bytes of tar have been read so far, at most once a block. */
  readonly onProgress?: ((tarBytes: number) => void) | undefined
}

/** A layer of the entries, in one pass and bounded memory: walk, tar, diff ID, compress. `entries` is called once for each pass. */
export function packLayer(
  entries: () => Iterable<WalkedEntry>,
  {compression = 'gzip', ...options}: PackOptions = {},
): LayerSource {
  let packed: PackedContent | undefined
  return {
    async *open(call) {
      const survey = surveyor(entries, options)
      yield* compressors[compression](survey, call?.signal)
      packed = survey.content()
    },
    content() {
      if (!packed) throw new Error('the layer has not been read to its end')
      return packed
    },
  }
}

type Compressor = (
  survey: Surveyor,
  signal: AbortSignal | undefined,
) => AsyncGenerator<Uint8Array, void, undefined>

const compressors: Readonly<Record<LayerCompression, Compressor>> = {
  async *gzip(survey, signal) {
    const deflater = await createDeflater()
    try {
      const {blocks, release} = reused(survey, blockLength)
      yield* gzip(blocks, {deflater, concurrency, release, signal})
    } finally {
      await deflater.close()
    }
  },
  async *zstd(survey, signal) {
    const pool = zstdPool(availableParallelism())
    try {
      const {blocks, release} = reused(survey, zstdBlockLength)
      yield* zstd(blocks, {pool, concurrency, release, signal})
    } finally {
      await pool.close()
    }
  },
  async *none(survey, signal) {
    // whoever gets them may keep them
    for (const block of survey.blocks(blockLength, () => Buffer.allocUnsafeSlow(blockLength))) {
      await turn()
      signal?.throwIfAborted()
      yield block
    }
  },
}

const concurrency = availableParallelism() + 2

/** The blocks, in memory that is used again once it is given back. */
function reused(survey: Surveyor, length: number) {
  const spare: Buffer[] = []
  return {
    blocks: survey.blocks(length, () => spare.pop() ?? Buffer.allocUnsafeSlow(length)),
    // the last one is a part only
    release: (block: Buffer) => {
      if (block.length === length) spare.push(block)
    },
  }
}

/** What `packLayer` would give, without compressing: reads every file, holds one block. Stops with `undefined` once the tar exceeds `limit` bytes.
 * `spare` lends it the block, where many layers are hashed. */
export async function hashLayer(
  entries: () => Iterable<WalkedEntry>,
  {
    signal,
    limit = Infinity,
    spare = [],
    onProgress,
  }: PackOptions & CallOptions & {readonly limit?: number; readonly spare?: Buffer[]} = {},
): Promise<PackedContent | undefined> {
  const block = spare.pop() ?? Buffer.allocUnsafeSlow(blockLength)
  const survey = surveyor(entries, {onProgress})
  let size = 0
  for (const part of survey.blocks(blockLength, () => block)) {
    size += part.length
    if (size > limit) return undefined
    // reading is synchronous: without a turn of the event loop no signal would be heard
    await turn()
    signal?.throwIfAborted()
  }
  spare.push(block)
  return survey.content()
}

type Surveyor = ReturnType<typeof surveyor>

/** Counts and hashes what goes by, so that packing and hashing cannot differ. */
function surveyor(entries: () => Iterable<WalkedEntry>, {onProgress}: PackOptions) {
  const digester = createDigester()
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
    *blocks(length: number, allocate: () => Buffer): Generator<Buffer> {
      for (const block of writeTar(counted(), length, allocate)) {
        digester.update(block)
        tarSize += block.length
        onProgress?.(tarSize)
        yield block
      }
    },
    content: (): PackedContent => ({
      diffId: digester.digest(),
      tarSize,
      entries: count,
      newestMtime: newestMtime ?? 0,
    }),
  }
}
