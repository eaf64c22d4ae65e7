import type {ByteString} from '../byte-string.js'
import type {Entry} from '../entry.js'

/**
 * What a record is of: an entry; `implicit`, a directory that no entry of its layer describes
 * although others are below it; a mark that hides what layers below have: `whiteout` of the path
 * itself, `opaque` of all in it; or `link`, a hard link that looks for its target.
 */
export type RecordKind = Entry['kind'] | 'implicit' | 'whiteout' | 'opaque' | 'link'

/** The images or directories that are compared: the first is 1, the second 2, both are 3. */
export type Sides = 1 | 2 | 3

/** What one layer or directory has at one path. */
export interface ContentRecord {
  /**
   * Relative to the root, `''` for the root itself. Of a `link`: the path of the target, and
   * `target` is the path of the link.
   */
  readonly path: ByteString
  readonly kind: RecordKind
  /** The layer; numbers ascend from the lowest layer of an image. */
  readonly layer: number
  /** The number of the entry in its layer, from 1. */
  readonly sequence: number
  readonly sides: Sides
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtime: number
  /** Of a file, in bytes; 0 for everything else. */
  readonly size: number
  /** Of links; of a device `major:minor`; else empty. */
  readonly target: ByteString
  /** SHA-256 of a file's content in bytes; empty for everything else, or without hashing. */
  readonly hash: ByteString
  /** A hash of the extended attributes in bytes; empty for none. */
  readonly attributes: ByteString
  /**
   * The `orderOf` of the entry that brought the content: equal for the names of one file. Of a
   * `link`: the `orderOf` of the link itself.
   */
  readonly inode: number
}

/** Later entries have the larger number, over all layers; 0 is before the first of a layer. */
export function orderOf(layer: number, sequence: number): number {
  return layer * 2 ** 32 + sequence
}

/** Whether a record is an entry or a directory, not a mark or a `link`. */
export function isEntry({kind}: ContentRecord): boolean {
  return kind !== 'implicit' && kind !== 'whiteout' && kind !== 'opaque' && kind !== 'link'
}

/**
 * The order of a tree: what is in a directory follows it at once, names bytewise; of one path the
 * lower layer first, and in a layer the earlier entry.
 */
export function compareRecords(one: ContentRecord, other: ContentRecord): number {
  return (
    comparePaths(one.path, other.path) || one.layer - other.layer || one.sequence - other.sequence
  )
}

/** As `compareRecords`, of paths alone: a slash comes before everything else. */
export function comparePaths(one: ByteString, other: ByteString): number {
  if (one === other) return 0
  const length = Math.min(one.length, other.length)
  for (let at = 0; at < length; at++) {
    const difference = one.charCodeAt(at) - other.charCodeAt(at)
    if (difference === 0) continue
    if (one[at] === '/') return -1
    return other[at] === '/' ? 1 : difference
  }
  return one.length - other.length
}

/** Whether `path` is in the directory `folder`, at any depth. */
export function isBelow(path: ByteString, folder: ByteString): boolean {
  if (folder === '') return path !== ''
  return path.length > folder.length && path[folder.length] === '/' && path.startsWith(folder)
}
