import type {ByteString} from '../byte-string.js'
import {type ContentRecord, isBelow, isEntry, orderOf} from './record.js'

/** What one side has at a path. */
export interface SideState {
  /**
   * What is there: an entry, or an `implicit` directory; `undefined` if no layer that was read has
   * anything that shows.
   */
  readonly visible: ContentRecord | undefined
  /** The topmost layer that deletes what the layers below have here; -1 for none. */
  readonly whiteout: number
  /** The topmost layer that deletes what the layers below have in this directory; -1 for none. */
  readonly opaque: number
}

/** A path that occurs in a layer. */
export interface MergedPath {
  readonly path: ByteString
  readonly first: SideState
  readonly second: SideState
}

/**
 * Merges the layers of each side into trees, path by path, in the order of a tree. `records` are
 * sorted by `compareRecords`. What is hidden, by a whiteout, an opaque directory, or something that
 * replaces a directory, is left out. Paths are as the layers have them: a link on the way to one is
 * not followed.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md#applying-changesets
 */
export function* mergeTree(
  records: Iterable<ContentRecord>,
): Generator<MergedPath, void, undefined> {
  const folders: Folder[] = []
  let path: ByteString | undefined
  let [first, second] = [emptyPlace(), emptyPlace()]
  for (const record of records) {
    if (path !== undefined && record.path !== path) yield leave(path)
    path = record.path
    if ((record.sides & 1) !== 0) take(first, record)
    if ((record.sides & 2) !== 0) take(second, record)
  }
  if (path !== undefined) yield leave(path)

  function leave(at: ByteString): MergedPath {
    let folder = folders.at(-1)
    for (; folder && !isBelow(at, folder.path); folder = folders.at(-1)) folders.pop()
    const merged = {
      path: at,
      first: stateOf(first, folder?.first ?? 0),
      second: stateOf(second, folder?.second ?? 0),
    }
    folders.push({
      path: at,
      first: hiddenBelow(first, folder?.first ?? 0),
      second: hiddenBelow(second, folder?.second ?? 0),
    })
    first = emptyPlace()
    second = emptyPlace()
    return merged
  }
}

/** A path with others below it; those of a lower order are hidden. */
interface Folder {
  readonly path: ByteString
  readonly first: number
  readonly second: number
}

/** The topmost record of each kind for one path and one side. */
interface Place {
  entry: ContentRecord | undefined
  implicit: ContentRecord | undefined
  whiteout: number
  opaque: number
  /** The order of the last entry that is not a directory. */
  other: number
}

function emptyPlace(): Place {
  return {entry: undefined, implicit: undefined, whiteout: -1, opaque: -1, other: 0}
}

/** Records of one path come in their order, so the last one is the topmost. */
function take(place: Place, record: ContentRecord): void {
  if (record.kind === 'whiteout') place.whiteout = record.layer
  else if (record.kind === 'opaque') place.opaque = record.layer
  else if (record.kind === 'implicit') place.implicit = record
  else if (isEntry(record)) {
    place.entry = record
    if (record.kind !== 'directory') place.other = orderOf(record.layer, record.sequence)
  }
}

function stateOf(place: Place, hidden: number): SideState {
  const {entry, implicit, whiteout, opaque} = place
  const lowest = Math.max(hidden, orderOf(whiteout, 0))
  const shows = (record: ContentRecord | undefined): boolean =>
    record !== undefined && orderOf(record.layer, record.sequence) >= lowest
  return {visible: shows(entry) ? entry : shows(implicit) ? implicit : undefined, whiteout, opaque}
}

function hiddenBelow({whiteout, opaque, other}: Place, hidden: number): number {
  return Math.max(hidden, orderOf(whiteout, 0), orderOf(opaque, 0), other)
}
