import {createHash} from 'node:crypto'
import type {BlockUse, SharedBlocks} from './block-access.js'
import {blockKey} from './block-entry.js'

/** Compressed blocks by a key that says what they were made of. */
export interface BlockCache {
  /** The bytes that were put under this key, checked; `undefined` when there are none. */
  get(key: Buffer): Uint8Array | undefined
  /** Remembers them as far as there is room; never throws. */
  put(key: Buffer, bytes: Uint8Array): void
  /** For other threads, which read and add blocks by `createBlockAccess`. */
  readonly shared: SharedBlocks
  /** Notes what another thread did, so that what it used and added is kept. */
  note(use: BlockUse): void
}

/**
 * A way to compress that asks the cache first; `how` as in `blockKey`.
 */
export function cachedCompression(
  compress: (block: Uint8Array) => Promise<Uint8Array>,
  cache: BlockCache | undefined,
  how: number,
): (block: Uint8Array) => Promise<Uint8Array> {
  if (!cache) return compress
  return async (block) => {
    const key = blockKey(await sha256(block), how)
    const known = cache.get(key)
    if (known) return known
    const bytes = await compress(block)
    cache.put(key, bytes)
    return bytes
  }
}

/** On another thread, where that can be: this one reads and hashes the whole meanwhile. */
async function sha256(block: Uint8Array): Promise<Buffer> {
  if (block.buffer instanceof SharedArrayBuffer) return createHash('sha256').update(block).digest()
  return Buffer.from(await crypto.subtle.digest('SHA-256', block as Uint8Array<ArrayBuffer>))
}
