import {prefixOf} from '../tree/walk.js'
import type {Entries, TreeWalk, WalkedEntry} from '../tree/walked-entry.js'
import {stillThere} from './found-entries.js'
import {recordedWalk, type RecordOptions} from './recorded-walk.js'

/** The largest recording, in bytes, if nothing is kept between runs: some 600,000 names. */
const mostRecorded = 24 * 1024 * 1024

/** Entries that are looked at, and perhaps read then, in one walk. */
export interface WalkedOnce {
  /** The detail `names`. */
  readonly names: () => Iterable<WalkedEntry>
  /**
   * To be read: of the walk that was looked at, if it was and is not too large. In the end
   * everything but files is looked at again: a directory that was touched may have other names.
   * Throws `LocalIoError` (`ERR_INJECT_CHANGED_WHILE_PACKED`), and what the entries throw.
   */
  readonly content: () => Iterable<WalkedEntry>
}

/** The same entries, which are what `walk` gives, recorded for this run only. */
export function recordedOnce(
  entries: Entries,
  {tree}: TreeWalk,
  parts?: RecordOptions['parts'],
): Entries {
  return recordedWalk(entries, prefixOf(tree.path), undefined, {most: mostRecorded, parts})
}

/** Of entries that are what `walk` gives. */
export function walkedOnce(entries: Entries, walk: TreeWalk): WalkedOnce {
  const recorded = entries.recordedRoot ? entries : recordedOnce(entries, walk)
  return {
    names: () => recorded('names'),
    content() {
      const root = recorded.recordedRoot?.()
      return root ? stillThere(recorded('states'), root, walk) : entries()
    },
  }
}
