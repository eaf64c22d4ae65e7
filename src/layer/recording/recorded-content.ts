import {type ByteString, fromText, toPath} from '../byte-string.js'
import {changed, type FileState} from '../tree/file-state.js'
import {withXattrs} from '../tree/file-xattrs.js'
import {isStill} from '../tree/unchanged-file.js'
import {prefixOf} from '../tree/walk.js'
import type {Entries, TreeWalk, WalkedEntry} from '../tree/walked-entry.js'
import {recordedWalk} from './recorded-walk.js'

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

/** Of entries that are what `walk` gives. */
export function walkedOnce(entries: Entries, walk: TreeWalk): WalkedOnce {
  const recorded = entries.recordedRoot
    ? entries
    : recordedWalk(entries, prefixOf(walk.tree.path), undefined, mostRecorded)
  return {
    names: () => recorded('names'),
    content() {
      const root = recorded.recordedRoot?.()
      return root ? recordedContent(recorded('states'), root, walk) : entries()
    },
  }
}

function* recordedContent(
  states: Iterable<WalkedEntry>,
  root: FileState,
  {tree: {directory, path}, onWarning}: TreeWalk,
): Generator<WalkedEntry> {
  const folder = fromText(directory)
  const {length} = prefixOf(path)
  const seen: {readonly path: ByteString; readonly state: FileState}[] = []
  for (const walked of states) {
    const {entry, state} = walked
    if (state) {
      if (entry.path.length > length) seen.push({path: entry.path, state})
      yield walked
    } else yield withXattrs(walked, onWarning)
  }
  if (!isStill(toPath(folder), root)) throw changed(folder)
  for (const {path: inside, state} of seen)
    if (!isStill(toPath(`${folder}/${inside.slice(length)}`), state)) throw changed(inside)
}
