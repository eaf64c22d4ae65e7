import {UnsafeContentError} from '../../errors.js'
import {type ByteString, display, fromText} from '../byte-string.js'
import type {Entry, EntryMetadata} from '../entry.js'
import type {FolderAt} from '../tree/folder-at.js'
import {applyModeRule, type ModeRule} from '../tree/mode-rule.js'
import type {WalkedEntry, WalkedFile} from '../tree/walked-entry.js'
import {isWhiteout} from '../whiteout.js'
import {
  type EntryList,
  type Inode,
  type ListedContent,
  type ListedNode,
  nodeAt,
} from './entry-list.js'

/** Which entries of a list are packed. */
export interface ListRules {
  /** Paths, directories with a trailing `/`. */
  readonly isExcluded?: ((path: ByteString) => boolean) | undefined
  /** Names that start with `.wh.` delete files of the image: refused unless set. */
  readonly whiteouts?: boolean | undefined
  /** Devices are refused unless set. */
  readonly devices?: boolean | undefined
}

/** How the entries of a list are packed into an image. */
export interface ListPlacement {
  /** Where in the image they belong: `/`, or a clean absolute path. */
  readonly path: string
  /** The owner of every entry instead of its own. */
  readonly owner?: {readonly uid: number; readonly gid: number} | undefined
  /** Changes the modes of all but symbolic links. */
  readonly chmod?: ModeRule | undefined
  /** Seconds since the epoch: no mtime is later. */
  readonly clampMtime?: number | undefined
}

/** A list that is complete. */
export interface ListedTree {
  /** In the order of a layer; again each time. */
  entries(placement: ListPlacement): Iterable<WalkedEntry>
  /** The entry of a directory, as it is in the list. */
  readonly folderAt: FolderAt
  /** The names of the directories that are not below another one. */
  rootFolders(): readonly ByteString[]
  readonly isEmpty: boolean
}

/**
 * The entries of a list, which must not change from now on, sorted as a walk gives them. Throws
 * `UnsafeContentError` (`ERR_INJECT_WHITEOUT`, `ERR_INJECT_DEVICE`).
 */
export function listedTree(list: EntryList, rules: ListRules): ListedTree {
  const {root} = list
  let groups = 0
  let isEmpty = true
  settle(root, '')

  return {
    isEmpty,
    *entries(placement) {
      const prefix = placement.path === '/' ? '' : fromText(placement.path.slice(1))
      const state: Listing = {placement, first: []}
      if (root.inode && prefix !== '') yield {entry: placed(root.inode.entry, prefix, placement)}
      yield* below(root, prefix === '' ? '' : `${prefix}/`, state)
    },
    folderAt(path) {
      const node = nodeAt(root, path)
      return node?.inode?.entry.kind === 'directory' && !node.isHidden
        ? node.inode.entry
        : undefined
    },
    rootFolders: () =>
      [...(root.children ?? [])].flatMap(([name, {inode, isHidden}]) =>
        inode?.entry.kind === 'directory' && !isHidden ? [name] : [],
      ),
  }

  /** Sorts names, decides what is left out, and counts the names of each inode. */
  function settle(node: ListedNode, path: ByteString): void {
    const names = [...(node.children ?? [])].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    node.children?.clear()
    for (const [name, child] of names) {
      node.children?.set(name, child)
      const inside = path + name
      const isFolder = child.children !== undefined
      child.isHidden =
        node.isHidden || rules.isExcluded?.(isFolder ? `${inside}/` : inside) === true
      if (child.inode && !child.isHidden) {
        isEmpty = false
        checkAllowed(child.inode.entry, name, inside)
        if (++child.inode.names === 2) child.inode.group = groups++
      }
      if (isFolder) settle(child, `${inside}/`)
    }
  }

  function checkAllowed({kind}: Entry, name: ByteString, path: ByteString): void {
    if (isWhiteout(name) && rules.whiteouts !== true) {
      throw new UnsafeContentError(
        'ERR_INJECT_WHITEOUT',
        `${display(path)} is a whiteout: in a layer it deletes a file of the image`,
        {hint: 'rename it, exclude it, or use --whiteouts if deleting is what you want'},
      )
    }
    if (rules.devices === true || (kind !== 'character-device' && kind !== 'block-device')) return
    throw new UnsafeContentError(
      'ERR_INJECT_DEVICE',
      `the layer holds the device ${display(path)}`,
      {hint: 'leave it out with --exclude'},
    )
  }
}

interface Listing {
  readonly placement: ListPlacement
  /** By group: the path that the inode came with first. */
  readonly first: ByteString[]
}

function* below(node: ListedNode, path: ByteString, state: Listing): Generator<WalkedEntry> {
  for (const [name, child] of node.children ?? []) {
    if (child.isHidden) continue
    const inside = path + name
    if (child.inode) yield described(child.inode, inside, state)
    if (child.children) yield* below(child, `${inside}/`, state)
  }
}

/** Of several names of one file, all but the first are hard links to that. */
function described(inode: Inode, path: ByteString, {placement, first}: Listing): WalkedEntry {
  const {entry: own, content, names, group} = inode
  const entry = placed(own, path, placement)
  const alone: WalkedEntry = content ? {entry, file: fileOf(content)} : {entry}
  if (names < 2 || own.kind === 'directory') return alone
  const shared = {names, group}
  const target = (first[group] ??= path)
  if (target === path) return {...alone, shared}
  const {mode, uid, gid, mtime} = entry
  return {
    entry: {kind: 'hardlink', target, path, mode, uid, gid, mtime, xattrs: undefined},
    shared,
    alone,
  }
}

function fileOf({file: {path, stat}, offset}: ListedContent): WalkedFile {
  return {path, stat, offset}
}

function placed<E extends Entry>(
  entry: E,
  path: ByteString,
  {owner, chmod, clampMtime = Infinity}: ListPlacement,
): E {
  const {kind, mode, mtime} = entry
  const own: Pick<EntryMetadata, 'path' | 'mode' | 'mtime'> = {
    path,
    mode: chmod && kind !== 'symlink' ? applyModeRule(chmod, mode, kind === 'directory') : mode,
    mtime: Math.min(mtime, clampMtime),
  }
  return {...entry, ...own, ...owner}
}
