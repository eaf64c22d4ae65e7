import type {Digest} from '../../../oci/digest.js'
import {createRecentlyUsed} from './recently-used.js'

/**
 * Small content that was read lately, known to be what its digest names. Whether somebody may have
 * it is not decided here.
 */
export interface RecentBytes {
  get(digest: Digest): Uint8Array | undefined
  /** Keeps them unless they are large; the caller does not change them any more. */
  set(digest: Digest, bytes: Uint8Array): void
}

/** Holds at most `limit` bytes; what was not asked for longest goes first. */
export function createRecentBytes(limit = 16 * 1024 * 1024): RecentBytes {
  const recent = createRecentlyUsed<Digest, Uint8Array>(limit, limit / 64)
  return {
    get: (digest) => recent.get(digest),
    set: (digest, bytes) => recent.set(digest, bytes, bytes.length),
  }
}
