import type {ByteString} from '../byte-string.js'
import {isAscii} from '../byte-string.js'
import {type Column, createColumn} from '../tree/column.js'
import type {FileState} from '../tree/file-state.js'
import {createInodeGroups} from '../tree/inode-groups.js'
import {longestWholePath} from '../tree/walk.js'
import type {WholeLayer} from './row-layers.js'
import {type RowAt, rowsIn} from './rows-in.js'
import {
  createColumns,
  fact,
  factsPerRow,
  pushRow,
  pushState,
  rowsOf,
  sizesPerRow,
  stateAt,
  statesPerRow,
  type WalkColumns,
} from './walk-columns.js'

/** An entry of a layer that is in a directory. */
export interface LayerRow extends RowAt {
  /** The place of its layer, counted from 0. */
  readonly layer: number
}

export interface ComposeOptions {
  /** A walk of before, of which some rows stay. */
  readonly base?: BaseWalk | undefined
  /** In any order; of several directories of one path the last one counts. */
  readonly added: LayerRow[]
  /** Lowest first; `undefined` for one that is not wholly there. */
  readonly layers: readonly (WholeLayer | undefined)[]
  /** Of the directory itself. */
  readonly root: FileState
  /** How much of each path is not in the directory. */
  readonly prefixLength: number
  /** The state that an added entry has now; `undefined` if it is not as its layer says. */
  readonly stateOf: (row: LayerRow) => FileState | undefined
}

export interface BaseWalk {
  readonly columns: WalkColumns
  /** The new place of the layer of a row; `undefined` for one that does not stay. */
  readonly placeOf: (row: number) => number | undefined
}

/**
 * What a walk of a directory would find, by what is known of its entries; `undefined` if it could
 * find something else.
 */
export function composeWalk(options: ComposeOptions): WalkColumns | undefined {
  const {base, added, layers, root, prefixLength, stateOf} = options
  const walk = createColumns()
  const ofRow: Column<number> = createColumn((length) => new Uint8Array(length))
  const inodes = createInodeGroups()
  const folders = new Set<ByteString>()
  let next = 0
  sortRows(added)
  pushState(walk.states, root)
  if (base && !mergeWith(base)) return undefined
  while (next < added.length) if (!addNext()) return undefined
  return {...walk, layers: {list: [...layers], ofRow: ofRow.filled as Uint8Array}}

  function mergeWith({columns, placeOf}: BaseWalk): boolean {
    let span: TextAt | undefined
    for (const at of rowsIn(columns)) {
      const {key} = at
      const isFirst = (added[next]?.key ?? key) < key
      const place = placeOf(at.row)
      if (span && (isFirst || place === undefined)) copy(columns, span, at)
      if (isFirst || place === undefined) span = undefined
      while ((added[next]?.key ?? key) < key) if (!addNext()) return false
      if (place === undefined) continue
      if (added[next]?.key === key) return false
      ofRow.push(place)
      span ??= at
      if (columns.facts.at(at.row * factsPerRow + fact.names) === 0) continue
      const end = {row: at.row + 1, textAt: at.textAt + lengthAt(columns, at.row)}
      copy(columns, span, end)
      span = undefined
      const {group} = inodes.find(stateAt(columns.states, at.row + 1), at.path)
      walk.facts.put((rowsOf(walk) - 1) * factsPerRow + fact.group, group)
    }
    if (span) copy(columns, span, {row: rowsOf(columns), textAt: columns.text.length})
    return true
  }

  function copy({facts, sizes, states, text}: WalkColumns, from: TextAt, to: TextAt): void {
    const part = (per: number, more = 0) => [(from.row + more) * per, (to.row + more) * per] as const
    walk.facts.append(facts.filled.subarray(...part(factsPerRow)))
    walk.sizes.append(sizes.filled.subarray(...part(sizesPerRow)))
    walk.states.append(states.filled.subarray(...part(statesPerRow, 1)))
    walk.text.append(text.filled.subarray(from.textAt, to.textAt))
  }

  /** Of several of one path, all but the last are passed over. */
  function addNext(): boolean {
    let row = added[next++]
    for (let same = added[next]; row && same?.key === row.key; same = added[next]) {
      if (row.kind !== 'directory' || same.kind !== 'directory') return false
      row = same
      next++
    }
    const state = row && stateOf(row)
    return row !== undefined && state !== undefined && add(row, state)
  }

  function add(row: LayerRow, state: FileState): boolean {
    const {kind, path, columns} = row
    if (path.length > longestWholePath || (!base && !isInFolder(path))) return false
    const at = row.row * factsPerRow
    const entry = {
      kind,
      path,
      mode: columns.facts.at(at + fact.mode),
      uid: columns.facts.at(at + fact.uid),
      gid: columns.facts.at(at + fact.gid),
      mtime: columns.sizes.at(row.row * sizesPerRow),
    }
    ofRow.push(row.layer)
    if (kind === 'directory') {
      folders.add(path)
      pushRow(walk, {...alone, entry, target: '', size: 0, isBytes: false, state})
    } else if (kind === 'symlink') {
      if (state.nlink > 1n) return false
      pushRow(walk, {...alone, entry, target: row.target, size: 0, isBytes: false, state})
    } else addFile({...entry, kind: 'file'}, state)
    return true
  }

  /** The first name of a file in the order of the walk is the file, the others are links to it. */
  function addFile(entry: FileEntry, state: FileState): void {
    const common = {size: Number(state.size), isBytes: !isAscii(entry.path), state}
    if (state.nlink <= 1n) {
      pushRow(walk, {...alone, ...common, entry, target: ''})
      return
    }
    const {group, first} = inodes.find(state, entry.path)
    const shared = {...common, names: Number(state.nlink), group}
    if (first === entry.path) pushRow(walk, {...shared, entry, target: ''})
    else pushRow(walk, {...shared, entry: {...entry, kind: 'hardlink'}, target: first})
  }

  /** A directory that no layer describes would be found by a walk, too. */
  function isInFolder(path: ByteString): boolean {
    if (path.length < prefixLength) return rowsOf(walk) === 0
    const slash = path.lastIndexOf('/')
    return slash < prefixLength
      ? prefixLength === 0 || folders.size > 0
      : folders.has(path.slice(0, slash))
  }
}

type FileEntry = Parameters<typeof pushRow>[1]['entry'] & {readonly kind: 'file'}

type TextAt = Pick<RowAt, 'row' | 'textAt'>

const alone = {names: 0, group: 0}

function lengthAt({facts}: WalkColumns, row: number): number {
  const at = row * factsPerRow
  return facts.at(at + fact.pathLength) + facts.at(at + fact.targetLength)
}

/** Sorting is what takes time: rows of one layer are sorted already. */
function sortRows(rows: LayerRow[]): void {
  const isSorted = rows.every((row, at) => at === 0 || (rows[at - 1]?.key ?? '') <= row.key)
  if (!isSorted) rows.sort(({key: one}, {key: other}) => (one < other ? -1 : one > other ? 1 : 0))
}

/** The rows of a layer, to be composed with others. */
export function layerRows(columns: WalkColumns, layer: number): LayerRow[] {
  return Array.from(rowsIn(columns), (row) => ({...row, layer}))
}
