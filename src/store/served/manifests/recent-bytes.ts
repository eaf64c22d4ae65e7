import type {Digest} from '../../../oci/digest.js'

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
  // a map lists what was set last at its end
  const kept = new Map<Digest, Uint8Array>()
  let size = 0
  const drop = (digest: Digest): void => {
    size -= kept.get(digest)?.length ?? 0
    kept.delete(digest)
  }
  return {
    get(digest) {
      const bytes = kept.get(digest)
      if (bytes === undefined) return undefined
      kept.delete(digest)
      kept.set(digest, bytes)
      return bytes
    },
    set(digest, bytes) {
      drop(digest)
      if (bytes.length > limit / 64) return
      kept.set(digest, bytes)
      size += bytes.length
      for (const oldest of kept.keys()) {
        if (size <= limit) return
        drop(oldest)
      }
    },
  }
}
