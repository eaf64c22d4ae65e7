import type {Stats} from 'node:fs'
import type {Digest} from '../oci/digest.js'

/** What of a file's state tells that nobody has changed it. */
export type FileState = Pick<Stats, 'dev' | 'ino' | 'size' | 'mtimeMs' | 'ctimeMs'>

/**
 * Files that this process has read whole, or written, and found to be what their digests name: as long as nobody has changed them since, and for a limited
 * time, they need not be hashed at every read. What only the disk knows, such as a bit that has turned, shows at the first read after that time.
 */
export interface SoundFiles {
  /** Whether the file of this state was found right within the time. */
  has(digest: Digest, state: FileState): boolean
  /** The file of this state was found right just now. */
  add(digest: Digest, state: FileState): void
  /** Follows a file that begins to be read. What it gives is for the end, when all was right; `state` is the file's then. */
  watch(digest: Digest, state: FileState): (state: FileState) => void
  /** We gave the file another time, and nothing else. */
  touched(digest: Digest, before: FileState, after: FileState): void
}

/** Holds at most `limit` files, for `maxAgeMs` (1 h) each; `now` is a clock that never goes back, in milliseconds. */
export function createSoundFiles({
  maxAgeMs = 3_600_000,
  limit = 10_000,
  now = () => performance.now(),
}: {
  readonly maxAgeMs?: number | undefined
  readonly limit?: number
  readonly now?: () => number
} = {}): SoundFiles {
  /** `foundAt`: `undefined` while it is being read for the first time. */
  interface Known {
    stamp: string
    foundAt: number | undefined
  }
  const files = new Map<string, Known>()
  const put = (digest: Digest, state: FileState, foundAt: number | undefined): Known => {
    const key = keyOf(digest, state)
    const known = {stamp: stampOf(state), foundAt}
    // a map lists what was set last at its end
    files.delete(key)
    files.set(key, known)
    for (const oldest of files.keys()) {
      if (files.size <= limit) break
      files.delete(oldest)
    }
    return known
  }
  const find = (digest: Digest, state: FileState): Known | undefined => {
    const known = files.get(keyOf(digest, state))
    return known?.stamp === stampOf(state) ? known : undefined
  }
  return {
    has(digest, state) {
      const foundAt = find(digest, state)?.foundAt
      return foundAt !== undefined && now() - foundAt < maxAgeMs
    },
    add(digest, state) {
      if (isLeaseTime(state.mtimeMs)) put(digest, state, now())
    },
    watch(digest, state) {
      const known = find(digest, state) ?? put(digest, state, undefined)
      return (last) => {
        if (known.stamp === stampOf(last) && isLeaseTime(last.mtimeMs)) put(digest, last, now())
      }
    },
    touched(digest, before, after) {
      const known = find(digest, before)
      if (known === undefined || keyOf(digest, after) !== keyOf(digest, before)) return
      if (after.size === before.size && isLeaseTime(after.mtimeMs)) known.stamp = stampOf(after)
    },
  }
}

function keyOf(digest: Digest, {dev, ino}: FileState): string {
  return `${dev}-${ino}-${digest}`
}

function stampOf({size, mtimeMs, ctimeMs}: FileState): string {
  return `${size}-${mtimeMs}-${ctimeMs}`
}

/**
 * Whether a time is one that a lease has set, of whole milliseconds. The system's own times are as coarse as its tick (4 ms), so that two writes within one
 * look alike; but they have nanoseconds, so that a write after a lease never looks like the lease.
 */
function isLeaseTime(mtimeMs: number): boolean {
  return mtimeMs % 1000 !== 0 && Math.abs(mtimeMs - Math.round(mtimeMs)) < 0.002
}
