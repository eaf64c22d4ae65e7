import {type BlockBuffers, createBlockBuffers} from '../compress/blocks.js'
import {type BlockCache, cachedCompression} from '../compress/block-cache.js'
import type {BlockCodec} from '../compress/codec.js'
import type {Entries, TreeWalk, WalkedEntry} from '../tree/walked-entry.js'
import {countEntries} from './blocks/count-entries.js'
import {tarItems} from './blocks/write-tar.js'
import {contentBlocks, type ContentOptions, type PackedContent} from './packed-content.js'
import {type LayerThreads, smallLayers} from './layer-threads.js'
import type {PackThreads} from './threads/pack-threads.js'
import type {TarSum} from './threads/reader.js'
import type {SeenTree} from './threads/reader-message.js'
import type {HeldContent} from './threads/held-content.js'

/** Blocks that may wait to be sent if one thread does everything. */
const ahead = 4

export interface PackBlocksOptions extends ContentOptions {
  readonly codec: BlockCodec
  readonly cache: BlockCache | undefined
  readonly buffers: BlockBuffers | undefined
  readonly threads: LayerThreads
  readonly signal: AbortSignal | undefined
  /** As in `OpenOptions`. */
  readonly isTransient: boolean | undefined
}

/**
 * A layer of the entries' tar by a codec. Threads walk, read and compress; a small tree is packed
 * in this thread: with the same bytes.
 */
export async function* packBlocks(
  entries: Entries,
  options: PackBlocksOptions,
): AsyncGenerator<Uint8Array, PackedContent, undefined> {
  const {held} = entries
  const rows = held?.rows()
  if (held && rows) return yield* packHeld(entries, {...held, rows}, options)
  const walk = entries('metadata')[Symbol.iterator]()
  try {
    const {first, bytes} = takeSmall(walk)
    const threads = await options.threads.take(options.codec, bytes)
    if (!threads) return yield* packHere(chain(first, walk), options)
    try {
      const content = entries.walk ?? chain(first, walk)
      return yield* packInThreads(threads, content, options)
    } finally {
      await options.threads.giveBack(threads)
    }
  } finally {
    walk.return?.()
  }
}

/** Of rows, which the thread that reads files gets as they are. */
async function* packHeld(
  entries: Entries,
  held: HeldContent,
  options: PackBlocksOptions,
): AsyncGenerator<Uint8Array, PackedContent, undefined> {
  const threads = await options.threads.take(options.codec, held.rows.tarBytes)
  if (!threads) return yield* packHere(entries('metadata'), options)
  try {
    return yield* packInThreads(threads, held, options)
  } finally {
    await options.threads.giveBack(threads)
  }
}

/** The first entries, up to as many as are still small together, and about their bytes of tar. */
function takeSmall(walk: Iterator<WalkedEntry>): {
  readonly first: readonly WalkedEntry[]
  readonly bytes: number
} {
  const first: WalkedEntry[] = []
  let bytes = 0
  while (bytes < smallLayers) {
    const next = walk.next()
    if (next.done === true) break
    first.push(next.value)
    const {entry, file} = next.value
    bytes += 512 + (file && entry.kind === 'file' ? entry.size : 0)
  }
  return {first, bytes}
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
  {codec, cache, buffers, signal, onProgress}: PackBlocksOptions,
): AsyncGenerator<Uint8Array, PackedContent, undefined> {
  const {rule, kind} = codec
  const layer = contentBlocks(() => entries, {onProgress})
  const {allocate, release} = buffers ?? createBlockBuffers()
  const compress = cachedCompression(await codec.start(), cache, kind)
  const options = {compress, ahead: ahead * rule.large, release, signal}
  yield* codec.stream(layer.blocks(rule, allocate), options)
  return layer.content()
}

/**
 * A tree is walked where it is read, as rows are; other entries are listed here, and given to that
 * thread.
 */
async function* packInThreads(
  threads: PackThreads,
  content: TreeWalk | HeldContent | Iterable<WalkedEntry>,
  {codec, ...options}: PackBlocksOptions,
): AsyncGenerator<Uint8Array, PackedContent, undefined> {
  const isListed = Symbol.iterator in content
  const count = countEntries()
  yield codec.head
  const sum = yield* threads.pack(isListed ? tarItems(content, count) : content, options)
  if (codec.tail) yield codec.tail(sum.crc, sum.size)
  return contentOf(sum, isListed ? {...count.seen(), look: count.look()} : sum.seen)
}

/** What threads packed or hashed, of which that was seen. */
export function contentOf({diffId, size}: TarSum, seen: SeenTree | undefined): PackedContent {
  return {
    diffId,
    tarSize: size,
    entries: seen?.entries ?? 0,
    newestMtime: seen?.newestMtime ?? 0,
    look: seen?.look,
  }
}
