import {createGroupCounts} from './group-counts.js'
import {createItemTable, type ItemTable} from './item-table.js'
import {longestWholePath} from '../tree/walk.js'
import type {WalkedEntry} from '../tree/walked-entry.js'
import {endsInWhiteout} from '../whiteout.js'

/**
 * What a first walk finds out, without opening a file, for those that divide the same entries into
 * layers.
 */
export interface TreeSurvey {
  /**
   * All that is not a directory and not a whiteout. What has several names counts at the last of
   * them.
   */
  readonly items: ItemTable
  /** By group: how many names a file has here, if it has more elsewhere. */
  readonly names: ReadonlyMap<number, number>
  readonly directories: number
  readonly whiteouts: number
  readonly entries: number
  /** Seconds since the epoch, of the newest entry; 0 for none. */
  readonly newestMtime: number
  /**
   * Whether it can be divided: no directory is a whiteout, and no path so long that the kernel is
   * told it in pieces, which hold as long as the walk is there only.
   */
  readonly isDivisible: boolean
}

const headerLength = 512

/** Walks all entries. Files are not opened, but their metadata is read. */
export function surveyTree(entries: Iterable<WalkedEntry>): TreeSurvey {
  const items = createItemTable()
  const groups = createGroupCounts()
  let directories = 0
  let whiteouts = 0
  let count = 0
  let newestMtime = -Infinity
  let isDivisible = true
  for (const walked of entries) {
    const {entry} = walked
    count++
    newestMtime = Math.max(newestMtime, entry.mtime)
    if (entry.path.length > longestWholePath) isDivisible = false
    if (entry.kind === 'directory') {
      directories++
      if (endsInWhiteout(entry.path)) isDivisible = false
    } else if (endsInWhiteout(entry.path)) whiteouts++
    else countItem(walked)
  }
  const names = new Map<number, number>()
  for (const {group, count: here, last, bytes} of groups.unfinished()) {
    items.grow(last, bytes)
    names.set(group, here)
  }
  return {
    items,
    names,
    directories,
    whiteouts,
    entries: count,
    newestMtime: count === 0 ? 0 : newestMtime,
    isDivisible,
  }

  function countItem(walked: WalkedEntry): void {
    const {entry, shared} = walked
    const bytes = bytesOf(walked)
    const isLast = !shared || groups.next(shared.group) === shared.names
    const item = items.add(entry.path, isLast ? bytes : 0)
    if (!shared) return
    if (isLast) groups.finish(shared.group)
    else groups.put(shared.group, item, bytes)
  }
}

function bytesOf({entry, alone}: WalkedEntry): number {
  const own = alone?.entry ?? entry
  return headerLength + (own.kind === 'file' ? own.size : 0)
}
