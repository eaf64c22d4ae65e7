import type {FileState} from '../../tree/file-state.js'
import type {BaseWalk} from './compose-walk.js'
import type {LayerRow} from './rows-in.js'
import type {WholeLayer} from './row-layers.js'
import {
  fact,
  factsPerRow,
  inBytes,
  kinds,
  putState,
  rowsOf,
  sizesPerRow,
  type WalkColumns,
} from './walk-columns.js'

export interface PatchOptions {
  /** Lowest first; `undefined` for one that is not wholly there. */
  readonly layers: readonly (WholeLayer | undefined)[]
  /** Of the directory itself. */
  readonly root: FileState
  /** The state that an entry has now; `undefined` if it is not as its layer says. */
  readonly stateOf: (row: LayerRow) => FileState | undefined
}

/**
 * What `composeWalk` gives where all names are what they were, in the columns of `base`: other rows
 * take the places of some. `undefined` if it is not that simple.
 */
export function patchWalk(
  {columns, placeOf}: BaseWalk,
  replaced: ReadonlyMap<number, LayerRow>,
  {layers, root, stateOf}: PatchOptions,
): WalkColumns | undefined {
  for (const [row, by] of replaced)
    if (!isPlain(columns, row) || !isPlain(by.columns, by.row)) return undefined
  const {facts, sizes, states} = columns
  for (const [row, by] of replaced) {
    const state = stateOf(by)
    if (!state || (by.kind === 'file' && state.nlink !== 1n)) return undefined
    const [to, from] = [row * factsPerRow, by.row * factsPerRow]
    for (const place of [fact.kind, fact.mode, fact.uid, fact.gid])
      facts.put(to + place, by.columns.facts.at(from + place))
    for (let place = 0; place < sizesPerRow; place++)
      sizes.put(row * sizesPerRow + place, by.columns.sizes.at(by.row * sizesPerRow + place))
    putState(states, row + 1, state)
  }
  putState(states, 0, root)
  const ofRow = new Uint8Array(rowsOf(columns))
  for (let row = 0; row < ofRow.length; row++)
    ofRow[row] = placeOf(row) ?? replaced.get(row)?.layer ?? 0
  return {...columns, layers: {list: [...layers], ofRow}}
}

/** A directory, or a file with one name. */
function isPlain({facts}: WalkColumns, row: number): boolean {
  const at = row * factsPerRow
  const kind = kinds[facts.at(at) % inBytes]
  return (kind === 'file' || kind === 'directory') && facts.at(at + fact.names) === 0
}
