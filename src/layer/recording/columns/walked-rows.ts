import type {FileState} from '../../tree/file-state.js'
import {longestWholePath} from '../../tree/walk.js'
import {canBeFirst, canFollow} from '../rows/path-order.js'
import type {WholeLayer} from './row-layers.js'
import {type LayerRow, rowsIn} from './rows-in.js'
import {namesAt, putState, rowsOf, type WalkColumns} from './walk-columns.js'

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
  let last: LayerRow | undefined
  for (const row of rowsIn(columns)) {
    const {kind, textAt, pathEnd} = row
    if (kind === 'hardlink' || pathEnd - textAt > longestWholePath) return undefined
    if (!(last ? canFollow(last, row) : canBeFirst(row, prefixLength))) return undefined
    last = row
    if (kind !== 'file') {
      const state = stateOf(row)
      if (!state) return undefined
      putState(columns.states, row.row + 1, state)
    }
    if (kind !== 'directory' && namesAt(columns.states, row.row + 1) > 1n) return undefined
  }
  return {...columns, layers: {list: [layer], ofRow: new Uint8Array(rowsOf(columns))}}
}
