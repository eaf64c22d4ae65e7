import type {FileState} from '../tree/file-state.js'
import {longestWholePath} from '../tree/walk.js'
import type {WholeLayer} from './row-layers.js'
import {type LayerRow, rowsIn} from './rows-in.js'
import {fact, factsPerRow, namesAt, putState, rowsOf, type WalkColumns} from './walk-columns.js'

export interface WalkedRowsOptions {
  /** The layer that all rows come from; `undefined` if it is not known. */
  readonly layer: WholeLayer | undefined
  /** How much of each path is not in the directory, which is the first row then. */
  readonly prefixLength: number
  /** The state of anything except a file; `undefined` if it is not as its row says. */
  readonly stateOf: (row: LayerRow) => FileState | undefined
}

/**
 * The rows of one layer as a walk of the directory, if they lie as a walk would find them: in its
 * order, each in a directory that is a row before it, and no file with several names. That is so
 * for layers of our own; for others, and if something is not as its row says, `undefined`. Nothing
 * is copied: the states are put into `columns`.
 */
export function walkedRows(
  columns: WalkColumns,
  {layer, prefixLength, stateOf}: WalkedRowsOptions,
): WalkColumns | undefined {
  const text = columns.text.filled
  let last: PathBytes | undefined
  for (const row of rowsIn(columns)) {
    const {kind, textAt: from} = row
    const length = columns.facts.at(row.row * factsPerRow + fact.pathLength)
    const path = {from, end: from + length, isDirectory: kind === 'directory'}
    if (kind === 'hardlink' || length > longestWholePath) return undefined
    if (!(last ? follows(text, last, path) : isFirst(text, path, prefixLength))) return undefined
    last = path
    if (kind !== 'file') {
      const state = stateOf(row)
      if (!state) return undefined
      putState(columns.states, row.row + 1, state)
    }
    if (kind !== 'directory' && namesAt(columns.states, row.row + 1) > 1n) return undefined
  }
  return {...columns, layers: {list: [layer], ofRow: new Uint8Array(rowsOf(columns))}}
}

/** Where the bytes of a path are. */
interface PathBytes {
  readonly from: number
  readonly end: number
  readonly isDirectory: boolean
}

const slash = 0x2f

function isFirst(text: Buffer, path: PathBytes, prefixLength: number): boolean {
  if (prefixLength > 0) return path.isDirectory && path.end - path.from === prefixLength - 1
  return lastSlash(text, path) === -1
}

/**
 * Whether a walk can find a path right after another one: it is later in the order, and what it is
 * in is the other one or above that.
 */
function follows(text: Buffer, last: PathBytes, next: PathBytes): boolean {
  const most = Math.min(last.end - last.from, next.end - next.from)
  let same = 0
  while (same < most && text[last.from + same] === text[next.from + same]) same++
  if (next.from + same === next.end) return false
  const parent = lastSlash(text, next)
  if (last.from + same === last.end) return parent < same || (parent === same && last.isDirectory)
  return rank(text, last.from + same) < rank(text, next.from + same) && parent < same
}

/** The end of a name is before all that it can go on with. */
function rank(text: Buffer, at: number): number {
  const byte = text[at] ?? 0
  return byte === slash ? 0 : byte
}

/** Counted from the start of the path; -1 for none. */
function lastSlash(text: Buffer, {from, end}: PathBytes): number {
  let at = end - 1
  while (at >= from && text[at] !== slash) at--
  return at < from ? -1 : at - from
}
