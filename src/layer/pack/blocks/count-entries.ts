import type {WalkedEntry} from '../../tree/walked-entry.js'

/** Entries that are counted as they go by. */
export interface CountedEntries extends Iterable<WalkedEntry> {
  /** How many went by, and the newest of their mtimes, `undefined` before the first one. */
  readonly seen: () => {readonly entries: number; readonly newestMtime: number | undefined}
}

/** Once: the count is of all iterations together. */
export function countEntries(entries: Iterable<WalkedEntry>): CountedEntries {
  let count = 0
  let newestMtime: number | undefined
  return {
    seen: () => ({entries: count, newestMtime}),
    *[Symbol.iterator]() {
      for (const walked of entries) {
        count++
        newestMtime = Math.max(newestMtime ?? -Infinity, walked.entry.mtime)
        yield walked
      }
    },
  }
}
