import type {ByteString} from '../byte-string.js'
import {isAscii} from '../byte-string.js'
import {type Column, createColumn} from '../tree/column.js'
import type {FileState} from '../tree/file-state.js'
import {createInodeGroups} from '../tree/inode-groups.js'
import {longestWholePath} from '../tree/walk.js'
import type {WholeLayer} from './row-layers.js'
import {type LayerRow, type RowAt, rowsIn} from './rows-in.js'
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

export interface ComposeOptions {
  /** A walk of before, of which some rows stay. */
  readonly base?: BaseWalk | undefined
  /** In the order of a walk. */
  readonly added: Iterable<LayerRow>
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
  const rows = added[Symbol.iterator]()
  let next = nextRow()
  pushState(walk.states, root)
  if (base && !mergeWith(base)) return undefined
  while (next) if (!addNext(next)) return undefined
  return {...walk, layers: {list: [...layers], ofRow: ofRow.filled as Uint8Array}}

  function mergeWith({columns, placeOf}: BaseWalk): boolean {
    let span: TextAt | undefined
    for (const at of rowsIn(columns)) {
      const {key} = at
      const isFirst = next !== undefined && next.key < key
      const place = placeOf(at.row)
      if (span && (isFirst || place === undefined)) {
        copy(columns, span, at)
        span = undefined
      }
      while (next && next.key < key) if (!addNext(next)) return false
      if (place === undefined) continue
      if (next?.key === key) return false
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

  function nextRow(): LayerRow | undefined {
    const result = rows.next()
    return result.done === true ? undefined : result.value
  }

  function addNext(row: LayerRow): boolean {
    next = nextRow()
    if (next && next.key <= row.key) return false
    const state = stateOf(row)
    return state !== undefined && add(row, state)
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
