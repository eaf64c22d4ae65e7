import {ignoreRules} from './ignore-rules.js'
import {walk} from './walk.js'
import type {Entries, TreeWalk, WalkDetail, WalkedEntry} from './walked-entry.js'

/** All that `walk` gives, and throws. */
export function walkTree(
  {tree: {directory, exclude, ...options}, onWarning}: TreeWalk,
  detail?: WalkDetail,
): Iterable<WalkedEntry> {
  const isExcluded = ignoreRules(directory, exclude)
  return walk(directory, {...options, isExcluded, detail, onWarning})
}

/** The entries of a tree, which say what tree they are of. */
export function treeEntries(treeWalk: TreeWalk): Entries {
  return Object.assign((detail?: WalkDetail) => walkTree(treeWalk, detail), {walk: treeWalk})
}
