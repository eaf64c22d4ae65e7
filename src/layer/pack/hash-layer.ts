import {setImmediate as turn} from 'node:timers/promises'
import type {CallOptions} from '../../store/content-store.js'
import {type BlockBuffers, type BlockRule, gzipBlocks} from '../compress/blocks.js'
import {type BlockHash, createBlockHash} from './block-hash.js'
import {contentBlocks, type ContentOptions, type PackedContent} from './packed-content.js'
import type {TarBounds} from '../shards/outlook.js'
import type {WalkedEntry} from '../tree/walked-entry.js'

/** Where blocks are cut does not matter to a hash: as large as can be. */
const hashBlocks: BlockRule = {...gzipBlocks, least: Infinity, most: gzipBlocks.large}

export interface HashOptions extends ContentOptions {
  /** The caller's, who closes it, for one layer after the other; default: this layer's own. */
  readonly hash?: BlockHash | undefined
  /** Hash in another thread: worth its start for some ten megabytes and more. */
  readonly inThread?: boolean | undefined
}

/**
 * What `packLayer` would give, without compressing: reads every file, holds few blocks. Stops with
 * `undefined` once the entries are out of bounds.
 */
export async function hashLayer(
  entries: () => Iterable<WalkedEntry>,
  {
    signal,
    limit = Infinity,
    newest = Infinity,
    inThread = false,
    hash: given,
    onProgress,
  }: HashOptions & CallOptions & TarBounds = {},
): Promise<PackedContent | undefined> {
  const hash = given ?? (await startBlockHash(inThread))
  try {
    const layer = contentBlocks(entries, {onProgress}, hash)
    let size = 0
    for (const part of layer.blocks(hashBlocks, hash.room)) {
      size += part.length
      if (size > limit || layer.newest() > newest) return undefined
      // reading is synchronous: without a turn of the event loop no signal would be heard
      await turn()
      signal?.throwIfAborted()
    }
    return await layer.content()
  } finally {
    if (!given) await hash.close()
  }
}

/** Hashes blocks for `hashLayer`, if possible in another thread when that is asked for. */
export async function startBlockHash(
  inThread: boolean,
  buffers?: BlockBuffers,
): Promise<BlockHash> {
  if (inThread) {
    const {startHashThread} = await import('./hash-thread.js')
    try {
      return startHashThread(gzipBlocks.large)
    } catch {
      // if no thread can be started, this thread does the work
    }
  }
  return createBlockHash(gzipBlocks.large, buffers)
}
