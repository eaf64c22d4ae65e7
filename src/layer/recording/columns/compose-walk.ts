import {isAscii} from '../../byte-string.js'
import {type Column, createColumn} from '../../tree/column.js'
import type {FileState} from '../../tree/file-state.js'
import {createInodeGroups} from '../../tree/inode-groups.js'
import {longestWholePath} from '../../tree/walk.js'
import {canBeFirst, canFollow, compareInWalk} from '../rows/path-order.js'
import type {WholeLayer} from './row-layers.js'
import {type LayerRow, type RowAt, rowsIn} from './rows-in.js'
import {
  createColumns,
  fact,
  factsPerRow,
  namesAt,
  pushRow,
  pushState,
  putState,
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
  /**
   * The state that an added entry has now, which can be the one of its row; `undefined` if it is
   * not as its layer says.
   */
  readonly stateOf: (row: LayerRow) => FileState | 'recorded' | undefined
}

export interface BaseWalk {
  readonly columns: WalkColumns
  /** The new place of the layer of a row; `undefined` for one that does not stay. */
  readonly placeOf: (row: number) => number | undefined
}

/** Rows that lie side by side. */
interface Span {
  readonly columns: WalkColumns
  readonly from: RowStart
  to: RowStart
}

/** A row, and where its text begins. */
interface RowStart {
  readonly row: number
  readonly textAt: number
}

/**
 * What a walk of a directory would find, by what is known of its entries; `undefined` if it could
 * find something else. Rows are copied as they are, in pieces as large as can be.
 */
export function composeWalk(options: ComposeOptions): WalkColumns | undefined {
  const {base, added, layers, root, prefixLength, stateOf} = options
  const walk = createColumns()
  const ofRow: Column<number> = createColumn((length) => new Uint8Array(length))
  const inodes = createInodeGroups()
  const rows = added[Symbol.iterator]()
  let next = nextRow()
  let last: LayerRow | undefined
  let span: Span | undefined
  pushState(walk.states, root)
  if (base && !mergeWith(base)) return undefined
  while (next) if (!addNext(next)) return undefined
  flush()
  return {...walk, layers: {list: [...layers], ofRow: ofRow.filled as Uint8Array}}

  function mergeWith({columns, placeOf}: BaseWalk): boolean {
    for (const at of rowsIn(columns)) {
      while (next && compareInWalk(next, at) < 0) if (!addNext(next)) return false
      const place = placeOf(at.row)
      if (place === undefined) continue
      if (next && compareInWalk(next, at) === 0) return false
      take(at, place)
      if (columns.facts.at(at.row * factsPerRow + fact.names) === 0) continue
      flush()
      const {group} = inodes.find(stateAt(columns.states, at.row + 1), at.path)
      walk.facts.put((rowsOf(walk) - 1) * factsPerRow + fact.group, group)
    }
    return true
  }

  function nextRow(): LayerRow | undefined {
    const result = rows.next()
    return result.done === true ? undefined : result.value
  }

  function addNext(row: LayerRow): boolean {
    next = nextRow()
    if (next && compareInWalk(next, row) <= 0) return false
    const state = stateOf(row)
    return state !== undefined && add(row, state)
  }

  function add(row: LayerRow, state: FileState | 'recorded'): boolean {
    const {kind, columns, layer} = row
    if (row.pathEnd - row.textAt > longestWholePath || (!base && !canBeNext(row))) return false
    last = row
    if (state !== 'recorded') putState(columns.states, row.row + 1, state)
    const isAlone = kind !== 'hardlink' && namesAt(columns.states, row.row + 1) <= 1n
    if (isAlone || kind === 'directory') take(row, layer)
    else if (kind === 'symlink') return false
    else addShared(row)
    return true
  }

  /** The first name of a file in the order of the walk is the file, the others are links to it. */
  function addShared({path, columns, row, layer}: LayerRow): void {
    flush()
    const state = stateAt(columns.states, row + 1)
    const at = row * factsPerRow
    const {group, first} = inodes.find(state, path)
    const entry = {
      kind: first === path ? 'file' : 'hardlink',
      path,
      mode: columns.facts.at(at + fact.mode),
      uid: columns.facts.at(at + fact.uid),
      gid: columns.facts.at(at + fact.gid),
      mtime: columns.sizes.at(row * sizesPerRow),
    } as const
    const names = Number(state.nlink)
    const size = Number(state.size)
    pushRow(walk, {entry, target: '', size, names, group, isBytes: !isAscii(path), state})
    ofRow.push(layer)
  }

  function take({columns, row, textAt}: RowAt, place: number): void {
    if (span?.columns !== columns || span.to.row !== row) {
      flush()
      span = {columns, from: {row, textAt}, to: {row, textAt}}
    }
    const at = row * factsPerRow
    const {facts} = columns
    const length = facts.at(at + fact.pathLength) + facts.at(at + fact.targetLength)
    span.to = {row: row + 1, textAt: textAt + length}
    ofRow.push(place)
  }

  function flush(): void {
    if (!span) return
    const {columns, from, to} = span
    const part = <T>({filled}: Column<T>, per: number, first = 0) =>
      filled.subarray((from.row + first) * per, (to.row + first) * per)
    walk.facts.append(part(columns.facts, factsPerRow))
    walk.sizes.append(part(columns.sizes, sizesPerRow))
    walk.states.append(part(columns.states, statesPerRow, 1))
    walk.text.append(columns.text.filled.subarray(from.textAt, to.textAt))
    span = undefined
  }

  /** A directory that no layer describes would be found by a walk, too. */
  function canBeNext(row: LayerRow): boolean {
    return last ? canFollow(last, row) : canBeFirst(row, prefixLength)
  }
}
