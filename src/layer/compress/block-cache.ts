import {createHash} from 'node:crypto'

/** Compressed blocks by a key that says what they were made of. */
export interface BlockCache {
  /** The bytes that were put under this key, checked; `undefined` when there are none. */
  get(key: string): Uint8Array | undefined
  /** Remembers them as far as there is room; never throws. */
  put(key: string, bytes: Uint8Array): void
}

/** Bytes of a key: the digest of the block, and one that says how it is compressed. */
export const blockKeyLength = 33

/**
 * The key of a block by its sha256. `how` (0 to 255) identifies the format and its level, because
 * another one gives other bytes.
 */
export function blockKey(digest: Buffer, how: number): string {
  return digest.toString('latin1') + String.fromCharCode(how)
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
