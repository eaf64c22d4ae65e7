import {type ByteString, parentOf} from '../byte-string.js'
import {compareInWalk} from '../recording/rows/path-order.js'
import {type LayerRow, type RowAt, rowsIn, sortRows} from '../recording/columns/rows-in.js'
import {fact, factsPerRow, sizesPerRow, statesPerRow} from '../recording/columns/walk-columns.js'
import type {FolderChange, TreeChange} from '../unpack/tree-change.js'
import {endsInWhiteout} from '../whiteout.js'
import type {FetchedLayer} from './fetch-layer.js'
import type {KeptPlaces, StandingTree} from './standing-tree.js'

/** What a directory is to become. */
export interface NextVersion {
  readonly standing: StandingTree
  readonly kept: KeptPlaces
  /** By their places: all that do not stay. */
  readonly fetched: ReadonlyMap<number, FetchedLayer>
  /** How many layers there are. */
  readonly count: number
  /** What the directory itself is like when no layer describes it. */
  readonly root: Omit<FolderChange, 'path'>
}

export interface PlannedChange {
  readonly change: Omit<TreeChange, 'version' | 'aside' | 'identity'>
  /** Entries of fetched layers that the directory has in the end, in the order of a walk. */
  readonly added: readonly LayerRow[]
  /** If no names come or go: rows of the directory, and those that take their places. */
  readonly replaced: ReadonlyMap<number, LayerRow> | undefined
  /** The new place of the layer of a row that stays; `undefined` for one that goes. */
  readonly placeOf: (row: number) => number | undefined
  /** Directories that stay, with their rows, by path in the image. */
  readonly folders: ReadonlyMap<ByteString, RowAt>
  /** In the directory, in the end. */
  readonly entries: number
  readonly whiteouts: number
}

/**
 * What has to be done to make a directory the content of other layers. `undefined` if layers
 * hide parts of each other, or do not describe all directories in the last one: then the result is
 * more than the sum of its layers. (A divided slot of ours is always plain.)
 */
export function planChange(next: NextVersion): PlannedChange | undefined {
  const {standing, kept, fetched, count, root} = next
  const {columns, seen} = standing
  const {prefixLength} = seen
  const last = count - 1
  const come = comingRows(fetched, last)
  if (!come) return undefined
  const placeOf = (row: number): number | undefined => kept.get(columns.layers.ofRow[row] ?? -1)

  const folders = new Map<ByteString, RowAt>()
  const replaced = new Map<number, LayerRow>()
  const removed: ByteString[] = []
  let stay = 0
  let whiteouts = 0
  for (const at of rowsIn(columns)) {
    const place = placeOf(at.row)
    if (at.kind === 'directory') {
      if (come.files.has(at.path) && !come.folders) return undefined
      if (place !== (come.folders ? undefined : last)) return undefined
      folders.set(at.path, at)
      const by = come.folders?.get(at.path)
      if (by) replaced.set(at.row, by)
    } else if (place === undefined) {
      const by = come.files.get(at.path)
      if (by) replaced.set(at.row, by)
      else removed.push(at.path)
    } else {
      stay++
      // what was kept has none
      if (!standing.isKept && endsInWhiteout(at.path)) whiteouts++
    }
  }
  const coming = come.files.size + (come.folders?.size ?? 0)
  const hasSameNames = removed.length === 0 && replaced.size === coming
  if (replaced.size < coming && hidesKept(next, come, placeOf)) return undefined
  const nextFolders: ReadonlyMap<ByteString, RowAt> = come.folders ?? folders
  for (const path of come.needed) if (!nextFolders.has(path)) return undefined
  for (const path of come.files.keys()) {
    if (nextFolders.has(path) || !isInFolder(path, prefixLength, nextFolders)) return undefined
    if (endsInWhiteout(path)) whiteouts++
  }
  const gone = [...folders.keys()].filter((path) => !nextFolders.has(path)).reverse()
  const made = [...nextFolders.values()].filter(({path}) => !folders.has(path)).sort(compareInWalk)
  if (gone.length > 0 && holdsKept(next, new Set(gone), placeOf)) return undefined

  const inside = (path: ByteString): ByteString => path.slice(prefixLength)
  const moved = [...come.files.values()].filter(
    ({layer, path}) => fetched.get(layer)?.stays.has(inside(path)) === false,
  )
  const touched = new Set<ByteString>()
  const change = [
    ...removed,
    ...gone,
    ...made.map(({path}) => path),
    ...moved.map(({path}) => path),
  ]
  for (const path of change) touched.add(folderOf(path, prefixLength))
  for (const {path} of made) touched.add(path)
  for (const row of nextFolders.values())
    if (isDescribedOtherwise(row, folders.get(row.path))) {
      // what a layer may say of the directory itself is another question
      if (row.path.length < prefixLength) return undefined
      touched.add(row.path)
    }
  for (const path of gone) touched.delete(path)
  return {
    change: {
      removed: removed.map(inside),
      gone: gone.map(inside),
      made: made.map(({path}) => inside(path)),
      put: moved.map((row) => {
        const inode = row.columns.states.at((row.row + 1) * statesPerRow + 3).toString()
        const {folder} = fetched.get(row.layer) ?? {folder: ''}
        return [inside(row.path), `${folder}/${inside(row.path)}`, inode]
      }),
      folders: [...touched]
        .map((path) => {
          const row = nextFolders.get(path)
          return row ? described(row, inside(path)) : {path: '', ...root}
        })
        .sort((one, other) => (one.path < other.path ? 1 : -1)),
    },
    added: sortRows([...come.files.values(), ...(come.folders?.values() ?? [])]),
    replaced: hasSameNames && gone.length === 0 ? replaced : undefined,
    placeOf,
    folders,
    entries: stay + come.files.size + nextFolders.size,
    whiteouts,
  }
}

interface ComingRows {
  readonly files: ReadonlyMap<ByteString, LayerRow>
  /** All directories there are, if the last layer is fetched. */
  readonly folders: ReadonlyMap<ByteString, LayerRow> | undefined
  /** Directories that other layers lead through. */
  readonly needed: ReadonlySet<ByteString>
}

/** `undefined` if two layers have the same file. */
function comingRows(
  fetched: ReadonlyMap<number, FetchedLayer>,
  last: number,
): ComingRows | undefined {
  const files = new Map<ByteString, LayerRow>()
  const folders = new Map<ByteString, LayerRow>()
  const needed = new Set<ByteString>()
  for (const [place, layer] of fetched) {
    for (const row of rowsIn(layer.columns, place)) {
      if (row.kind === 'directory') {
        if (place === last) folders.set(row.path, row)
        else needed.add(row.path)
      } else if (files.has(row.path)) return undefined
      else files.set(row.path, row)
    }
  }
  return {files, folders: fetched.has(last) ? folders : undefined, needed}
}

/** Whether anything comes that has the name of something that stays. */
function hidesKept(
  {standing: {columns}}: NextVersion,
  {files, folders}: ComingRows,
  placeOf: PlannedChange['placeOf'],
): boolean {
  for (const {row, kind, path} of rowsIn(columns)) {
    if (kind === 'directory' || placeOf(row) === undefined) continue
    if (files.has(path) || folders?.has(path) === true) return true
  }
  return false
}

/** Whether anything that stays is in a directory that goes. */
function holdsKept(
  {standing: {columns}}: NextVersion,
  gone: ReadonlySet<ByteString>,
  placeOf: PlannedChange['placeOf'],
): boolean {
  for (const {row, kind, path} of rowsIn(columns)) {
    if (kind === 'directory' || placeOf(row) === undefined) continue
    if (gone.has(parentOf(path))) return true
  }
  return false
}

/** The directory that something is in, by paths in the image. */
function folderOf(path: ByteString, prefixLength: number): ByteString {
  const slash = path.lastIndexOf('/')
  return path.slice(0, Math.max(slash, prefixLength - 1, 0))
}

function isInFolder(
  path: ByteString,
  prefixLength: number,
  folders: ReadonlyMap<ByteString, unknown>,
): boolean {
  const folder = folderOf(path, prefixLength)
  return (folder === '' && prefixLength === 0) || folders.has(folder)
}

function isDescribedOtherwise(next: RowAt, now: RowAt | undefined): boolean {
  if (!now) return true
  const mtimeNs = now.columns.states.at((now.row + 1) * statesPerRow + 1)
  if (mtimeNs !== BigInt(described(next, '').mtime) * 1_000_000_000n) return true
  const facts = [fact.mode, fact.uid, fact.gid]
  return facts.some((place) => factOf(next, place) !== factOf(now, place))
}

function described(row: RowAt, path: ByteString): FolderChange {
  return {
    path,
    mode: factOf(row, fact.mode),
    uid: factOf(row, fact.uid),
    gid: factOf(row, fact.gid),
    mtime: row.columns.sizes.at(row.row * sizesPerRow),
  }
}

function factOf({columns, row}: RowAt, place: number): number {
  return columns.facts.at(row * factsPerRow + place)
}
