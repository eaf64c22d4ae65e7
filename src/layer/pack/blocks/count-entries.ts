import {createLayerLooker} from '../../tree/layer-look.js'
import type {LayerLook} from '../../tree/division.js'
import type {WalkedEntry} from '../../tree/walked-entry.js'

/** Entries that are counted while they are iterated. */
export interface CountedEntries extends Iterable<WalkedEntry> {
  /** How many were seen, and their newest mtime, `undefined` before the first one. */
  readonly seen: () => {readonly entries: number; readonly newestMtime: number | undefined}
  /** Called once with the totals, after the last entry. */
  readonly look: () => LayerLook
}

/** Once: the count is of all iterations together. */
export function countEntries(entries: Iterable<WalkedEntry>): CountedEntries {
  let count = 0
  let newestMtime: number | undefined
  const looker = createLayerLooker()
  return {
    look: () => looker.look(),
    seen: () => ({entries: count, newestMtime}),
    *[Symbol.iterator]() {
      for (const walked of entries) {
        count++
        newestMtime = Math.max(newestMtime ?? -Infinity, walked.entry.mtime)
        looker.add(walked.entry)
        if (walked.file) looker.addFile(walked.file)
        else if (walked.content) looker.addContent(walked.content)
        yield walked
      }
    },
  }
}
