import {type ByteString, fromText, toPath} from '../byte-string.js'
import {changed, type FileState} from '../tree/file-state.js'
import {withXattrs} from '../tree/file-xattrs.js'
import {isStill} from '../tree/unchanged-file.js'
import {prefixOf} from '../tree/walk.js'
import type {FoundTree, TreeWalk, WalkedEntry} from '../tree/walked-entry.js'
import {replay} from './replay.js'
import {RowReader} from './rows/packed-rows.js'

/** The entries that a walk of the tree found, to be read: as `stillThere` gives them. */
export function foundEntries(found: FoundTree, walk: TreeWalk): Generator<WalkedEntry> {
  const {directory, path} = walk.tree
  const rows = new RowReader(found)
  const prefixLength = prefixOf(path).length
  const folder = `${fromText(directory)}/`
  return stillThere(replay({rows, oddOnes: [], folder, prefixLength}, true), found.root, walk)
}

/**
 * The entries of an earlier walk with the detail `states`, to be read: with their attributes. In
 * the end everything but files is looked at again, for a directory that was touched may have other
 * names. Throws `LocalIoError` (`ERR_INJECT_CHANGED_WHILE_PACKED`).
 */
export function* stillThere(
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
