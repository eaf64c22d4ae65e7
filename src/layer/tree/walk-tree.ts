import {ignoreRules, ignoreText} from './ignore-rules.js'
import {walk, type WalkOptions} from './walk.js'
import type {Entries, SharedWalk, Tree, TreeWalk, WalkDetail, WalkedEntry} from './walked-entry.js'

/** All that `walk` gives, and throws. */
export function walkTree(
  {tree: {directory, exclude, ...options}, onWarning}: TreeWalk,
  detail?: WalkDetail,
  how?: Pick<WalkOptions, 'within' | 'shared' | 'areLinksBare'>,
): Iterable<WalkedEntry> {
  const isExcluded = ignoreRules(directory, exclude)
  return walk(directory, {...options, ...how, isExcluded, detail, onWarning})
}

/** The entries of a tree, with a reference to it. */
export function treeEntries(treeWalk: TreeWalk): Entries {
  const entries = (detail?: WalkDetail, shared?: SharedWalk) => walkTree(treeWalk, detail, {shared})
  return Object.assign(entries, {walk: treeWalk})
}

/** Whatever it takes, besides what is in a tree, to know its entries: as text. */
export function walkKey(tree: Tree): string {
  const {directory, path, exclude, whiteouts, owner, chmod, clampMtime} = tree
  const rules = {whiteouts: whiteouts === true, owner, chmod, clampMtime}
  return JSON.stringify([directory, path, exclude, rules, ignoreText(directory)])
}
