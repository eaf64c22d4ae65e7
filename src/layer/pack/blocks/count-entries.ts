import {createLayerLooker} from '../../tree/layer-look.js'
import type {LayerLook} from '../../tree/division.js'
import type {WalkedEntry} from '../../tree/walked-entry.js'

/** Counts entries, and looks at them. */
export interface EntryCount {
  readonly add: (walked: WalkedEntry) => void
  /** How many there were, and their newest mtime, `undefined` before the first one. */
  readonly seen: () => {readonly entries: number; readonly newestMtime: number | undefined}
  /** Called once with the totals, after the last entry. */
  readonly look: () => LayerLook
}

/** A new one, at zero. */
export function countEntries(): EntryCount {
  let count = 0
  let newest = -Infinity
  const looker = createLayerLooker()
  return {
    add({entry, file, content}) {
      count++
      if (entry.mtime > newest) newest = entry.mtime
      looker.add(entry)
      if (file) looker.addFile(file)
      else if (content) looker.addContent(content)
    },
    seen: () => ({entries: count, newestMtime: count > 0 ? newest : undefined}),
    look: () => looker.look(),
  }
}
