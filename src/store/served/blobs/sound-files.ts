import type {Stats} from 'node:fs'
import type {Digest} from '../../../oci/digest.js'
import {monotonicTime} from '../../../disk/clock.js'

/** What of a file's state tells that nobody has changed it. */
export type FileStamp = Pick<Stats, 'dev' | 'ino' | 'size' | 'mtimeMs' | 'ctimeMs'>

/**
 * Files that this process has read whole, or written, and found to be what their digests name: as
 * long as nobody has changed them since, and for a limited time, they need not be hashed at every
 * read. What only the disk knows, such as a bit that has turned, shows at the first read after that
 * time.
 */
export interface SoundFiles {
  /** Whether the file of this state was found right within the time. */
  has(digest: Digest, state: FileStamp): boolean
  /** The file of this state was found right just now. */
  add(digest: Digest, state: FileStamp): void
  /**
   * Follows a file that begins to be read. What it gives is for the end, when all was right;
   * `state` is the file's then. One that got another time meanwhile, though it was by a lease of
   * ours, is not known to be right: a write just before the lease would not show.
   */
  watch(digest: Digest, state: FileStamp): (state: FileStamp) => void
}

/**
 * Holds at most `limit` files, for `maxAgeMs` (1 h) each; `now` is a clock that never goes back, in
 * milliseconds.
 */
export function createSoundFiles({
  maxAgeMs = 3_600_000,
  limit = 10_000,
  now = monotonicTime,
}: {
  readonly maxAgeMs?: number | undefined
  readonly limit?: number
  readonly now?: () => number
} = {}): SoundFiles {
  const files = new Map<string, {readonly stamp: string; readonly foundAt: number}>()
  const add = (digest: Digest, state: FileStamp): void => {
    if (!isLeaseTime(state.mtimeMs)) return
    const key = keyOf(digest, state)
    // a map keeps its keys in the order in which they were set
    files.delete(key)
    files.set(key, {stamp: stampOf(state), foundAt: now()})
    for (const oldest of files.keys()) {
      if (files.size <= limit) break
      files.delete(oldest)
    }
  }
  return {
    has(digest, state) {
      const known = files.get(keyOf(digest, state))
      return known?.stamp === stampOf(state) && now() - known.foundAt < maxAgeMs
    },
    add,
    watch: (digest, state) => (last) => {
      if (stampOf(last) === stampOf(state)) add(digest, last)
    },
  }
}

function keyOf(digest: Digest, {dev, ino}: FileStamp): string {
  return `${dev}-${ino}-${digest}`
}

/** The same for two states of one file between which nobody changed it. */
export function stampOf({dev, ino, size, mtimeMs, ctimeMs}: FileStamp): string {
  return `${dev}-${ino}-${size}-${mtimeMs}-${ctimeMs}`
}

/**
 * Whether a time is one that a lease has set, of whole milliseconds. The system's own times are as
 * coarse as its tick (4 ms), so that two writes within one look alike; but they have nanoseconds,
 * so that a write after a lease never looks like the lease.
 */
function isLeaseTime(mtimeMs: number): boolean {
  return mtimeMs % 1000 !== 0 && Math.abs(mtimeMs - Math.round(mtimeMs)) < 0.002
}
