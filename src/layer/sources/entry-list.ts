import {type ByteString, display} from '../byte-string.js'
import type {Entry, EntryMetadata} from '../entry.js'
import {checkEntryCount} from '../limits.js'
import type {WalkedFile} from '../tree/walked-entry.js'
import {unsafePath} from '../unpack/entries/check-entries.js'
import {detached} from '../unpack/entries/written-tree.js'

/** Where the content of a file is. */
export interface ListedContent {
  readonly file: Pick<WalkedFile, 'path' | 'stat'>
  /** Bytes before it in that file; absent where all of the file is the content. */
  readonly offset?: number
}

/** What one name or several names stand for. */
export interface Inode {
  /** Its path is not used. */
  readonly entry: Entry
  readonly content: ListedContent | undefined
  /** How many names it has in the list, once that is counted. */
  names: number
  /** The number of what has several names. */
  group: number
}

/** One name. */
export interface ListedNode {
  /** Absent for a directory that only leads to others. */
  inode: Inode | undefined
  /** By name; `undefined` for what is not a directory. */
  children: Map<ByteString, ListedNode> | undefined
  /** Left out of the layer. */
  isHidden: boolean
  /** The number of the layer that it came with last. */
  layer: number
}

/** The most entries of a list: each takes about half a kilobyte of memory. */
export const mostListed = 2_000_000

/**
 * Entries from several places, to be had in the order of a layer. What comes later replaces what
 * was there at the same path, as in an archive.
 */
export interface EntryList {
  /** Of the directory that everything is in. */
  readonly root: ListedNode
  /** What is at a path; `implied` for a directory without an entry of its own. */
  kindAt(path: ByteString): Entry['kind'] | 'implied' | undefined
  /** A directory keeps what is in it. Throws `UnsafeContentError` and `LimitError`. */
  put(path: ByteString, entry: Entry, content?: ListedContent): void
  /** Gives another name to what has the path `target`. Throws `UnsafeContentError`. */
  link(path: ByteString, target: ByteString): void
  /** Adds a directory unless it exists. Throws `UnsafeContentError`. */
  imply(path: ByteString): void
  describeRoot(metadata: EntryMetadata): void
  /** What comes from now on is of another layer, above those before. */
  beginLayer(): void
  /**
   * Takes out what layers below have at a path (`whole`), or below it: a whiteout, or the mark of
   * an opaque directory. What the same layer brings stays, whichever comes first.
   */
  hide(path: ByteString, what: 'whole' | 'inside'): void
}

/** An empty one. */
export function createEntryList(): EntryList {
  const root: ListedNode = {inode: undefined, children: new Map(), isHidden: false, layer: 0}
  let count = 0
  let layer = 0

  return {
    root,
    kindAt(path) {
      const node = nodeAt(root, path)
      return node && (node.inode?.entry.kind ?? 'implied')
    },
    put(path, entry, content) {
      const place = placeOf(path)
      const isDirectory = entry.kind === 'directory'
      const inode: Inode = {entry, content, names: 0, group: 0}
      const before = place.folder.get(place.name)
      const children = isDirectory ? new Map<ByteString, ListedNode>() : undefined
      if (isDirectory && before?.children) Object.assign(before, {inode, layer})
      else set(place, {inode, children, isHidden: false, layer})
    },
    link(path, target) {
      const found = nodeAt(root, target)
      if (!found || path === target || target.startsWith(`${path}/`)) {
        throw unsafePath(
          `the hard link ${display(path)} names ${display(target)}, which is not there`,
        )
      }
      if (found.children) {
        throw unsafePath(`the hard link ${display(path)} names the directory ${display(target)}`)
      }
      set(placeOf(path), {inode: found.inode, children: undefined, isHidden: false, layer})
    },
    imply: (path) =>
      void folderOf(
        path.split('/').filter((name) => name !== ''),
        path,
      ),
    describeRoot(metadata) {
      const entry: Entry = {kind: 'directory', ...metadata}
      root.inode = {entry, content: undefined, names: 0, group: 0}
      root.layer = layer
    },
    beginLayer() {
      layer++
    },
    hide(path, what) {
      const node = nodeAt(root, path)
      if (!node || (what === 'whole' ? !prune(node, layer) : false)) return
      if (what === 'inside') pruneInside(node, layer)
      else if (path !== '') {
        const slash = path.lastIndexOf('/')
        nodeAt(root, path.slice(0, slash + 1))?.children?.delete(path.slice(slash + 1))
      }
    },
  }

  function placeOf(path: ByteString): {folder: Map<ByteString, ListedNode>; name: ByteString} {
    const names = path.split('/')
    const name = names.pop() ?? ''
    return {folder: folderOf(names, path), name}
  }

  function folderOf(names: readonly ByteString[], path: ByteString): Map<ByteString, ListedNode> {
    let folder = root.children ?? new Map<ByteString, ListedNode>()
    for (const [at, name] of names.entries()) {
      let next = folder.get(name)
      if (!next) {
        next = {inode: undefined, children: new Map(), isHidden: false, layer}
        set({folder, name}, next)
      }
      if (!next.children) {
        const link = names.slice(0, at + 1).join('/')
        throw unsafePath(
          `${display(path)} leads through ${display(link)}, which is not a directory`,
        )
      }
      folder = next.children
    }
    return folder
  }

  function set(
    {folder, name}: {folder: Map<ByteString, ListedNode>; name: ByteString},
    node: ListedNode,
  ): void {
    checkEntryCount(++count, mostListed)
    folder.set(detached(name), node)
  }
}

/** Takes out what is of layers below `layer`; tells whether nothing is left. */
function prune(node: ListedNode, layer: number): boolean {
  pruneInside(node, layer)
  if (node.layer < layer) node.inode = undefined
  return node.inode === undefined && (node.children?.size ?? 0) === 0
}

function pruneInside({children}: ListedNode, layer: number): void {
  for (const [name, child] of children ?? []) if (prune(child, layer)) children?.delete(name)
}

/** What is at a path, without following links. */
export function nodeAt(root: ListedNode, path: ByteString): ListedNode | undefined {
  let node: ListedNode | undefined = root
  for (const name of path.split('/')) {
    if (name === '') continue
    node = node?.children?.get(name)
  }
  return node
}
