import {createGroupCounts} from './group-counts.js'
import {createItemTable, type ItemTable} from './item-table.js'
import type {ByteString} from '../byte-string.js'
import {longestWholePath} from '../tree/walk.js'
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

/** What a survey needs to know of an entry. */
export interface SurveyedEntry {
  readonly path: ByteString
  readonly isDirectory: boolean
  /** Seconds since the epoch. */
  readonly mtime: number
  /** Of content. */
  readonly size: number
  /** How many names it has on its file system; 0 for what has one. */
  readonly names: number
  /** The same for all of its names. */
  readonly group: number
}

export interface Survey {
  /** For each entry, in the order of the walk. */
  add(entry: SurveyedEntry): void
  /** After the last one. */
  end(): TreeSurvey
}

const headerLength = 512

/** A survey of no entry yet. */
export function createSurvey(): Survey {
  const items = createItemTable()
  const groups = createGroupCounts()
  let directories = 0
  let whiteouts = 0
  let count = 0
  let newestMtime = -Infinity
  let isDivisible = true
  return {
    add(entry) {
      const {path, isDirectory, mtime} = entry
      count++
      newestMtime = Math.max(newestMtime, mtime)
      if (path.length > longestWholePath) isDivisible = false
      if (isDirectory) {
        directories++
        if (endsInWhiteout(path)) isDivisible = false
      } else if (endsInWhiteout(path)) whiteouts++
      else countItem(entry)
    },
    end() {
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
    },
  }

  function countItem({path, size, names, group}: SurveyedEntry): void {
    const bytes = headerLength + size
    const isShared = names > 0
    const isLast = !isShared || groups.next(group) === names
    const item = items.add(path, isLast ? bytes : 0)
    if (!isShared) return
    if (isLast) groups.finish(group)
    else groups.put(group, item, bytes)
  }
}
