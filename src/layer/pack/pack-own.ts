import {type BlockBuffers, createBlockBuffers, ownBlocks} from '../compress/blocks.js'
import {type BlockCache, cachedCompression} from '../compress/block-cache.js'
import {gzip, gzipHeader, gzipTrailer} from '../compress/gzip.js'
import {ownDeflater, ownDeflateVersion} from '../compress/own-deflater.js'
import type {Entries, WalkedEntry} from '../tree/walked-entry.js'
import {
  contentBlocks,
  type ContentOptions,
  countEntries,
  type PackedContent,
} from './packed-content.js'
import type {LayerThreads} from './layer-threads.js'
import type {PackThreads} from './threads/pack-threads.js'
import {tarItem} from './blocks/write-tar.js'

/** Bytes of a tree below which threads are not worth their start. */
const small = 8 * 1024 * 1024

/** Among the kinds of blocks in a cache; below it are zlib's levels and zstd. */
const ownKind = 200 + ownDeflateVersion

export interface PackOwnOptions extends ContentOptions {
  readonly cache: BlockCache | undefined
  readonly buffers: BlockBuffers | undefined
  readonly threads: LayerThreads
  readonly signal: AbortSignal | undefined
}

/**
 * One gzip member of the entries' tar by our own deflate. Threads read and compress; a small tree,
 * and one of which blocks may be known already, is packed in this thread: with the same bytes.
 */
export async function* packOwn(
  entries: Entries,
  options: PackOwnOptions,
): AsyncGenerator<Uint8Array, PackedContent, undefined> {
  const walk = entries('metadata')[Symbol.iterator]()
  try {
    const {first, isWhole} = takeSmall(walk)
    const all = chain(first, walk)
    const threads = isWhole || options.cache ? undefined : await options.threads.take()
    if (!threads) return yield* packHere(all, options)
    try {
      return yield* packInThreads(all, threads, options)
    } finally {
      await options.threads.giveBack(threads)
    }
  } finally {
    walk.return?.()
  }
}

/** The first entries, up to as many as are still small together. */
function takeSmall(walk: Iterator<WalkedEntry>): {
  readonly first: readonly WalkedEntry[]
  readonly isWhole: boolean
} {
  const first: WalkedEntry[] = []
  for (let bytes = 0; bytes < small;) {
    const next = walk.next()
    if (next.done === true) return {first, isWhole: true}
    first.push(next.value)
    bytes += 512 + Number(next.value.file?.stat.size ?? 0)
  }
  return {first, isWhole: false}
}

function* chain(
  first: readonly WalkedEntry[],
  rest: Iterator<WalkedEntry>,
): Generator<WalkedEntry> {
  yield* first
  for (let next = rest.next(); next.done !== true; next = rest.next()) yield next.value
}

async function* packHere(
  entries: Iterable<WalkedEntry>,
  {cache, buffers, signal, onProgress}: PackOwnOptions,
): AsyncGenerator<Uint8Array, PackedContent, undefined> {
  const layer = contentBlocks(() => entries, {onProgress})
  const {allocate, release} = buffers ?? createBlockBuffers()
  const compress = cachedCompression(ownDeflater().deflate, cache, ownKind)
  const ahead = 4 * ownBlocks.large
  yield* gzip(layer.blocks(ownBlocks, allocate), {compress, ahead, release, signal})
  return layer.content()
}

async function* packInThreads(
  entries: Iterable<WalkedEntry>,
  threads: PackThreads,
  {signal, onProgress}: PackOwnOptions,
): AsyncGenerator<Uint8Array, PackedContent, undefined> {
  const counted = countEntries(entries)
  yield gzipHeader
  const {diffId, crc, size} = yield* threads.pack(items(), {signal, onProgress})
  yield gzipTrailer(crc, size)
  const {entries: count, newestMtime = 0} = counted.seen()
  return {diffId, tarSize: size, entries: count, newestMtime, look: counted.look()}

  function* items() {
    for (const walked of counted) yield tarItem(walked)
  }
}
