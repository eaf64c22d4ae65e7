import type {Division, RecalledDivision} from '../tree/division.js'
import type {TouchedFiles} from './look-again.js'
import {
  fact,
  factsPerRow,
  inBytes,
  kinds,
  rowsOf,
  sizesPerRow,
  type WalkColumns,
} from './walk-columns.js'

/** A division of entries that have the same names and sizes as when it was made. */
export function recalledDivision(
  columns: WalkColumns,
  {plan, cuts, looks}: Division,
  {rows: touched}: TouchedFiles,
): RecalledDivision {
  const layers = touched.length > 0 ? layersOf(columns, cuts, touched) : undefined
  return {
    plan,
    newestMtime: newestOf(columns),
    looks: looks.map((look, layer) => (layers?.has(layer) ? undefined : look)),
  }
}

function newestOf({sizes}: WalkColumns): number {
  let newest = -Infinity
  for (let at = 0; at < sizes.length; at += sizesPerRow) newest = Math.max(newest, sizes.at(at))
  return sizes.length === 0 ? 0 : newest
}

/** The layers of rows. Things with several names are in the layer of the last of them. */
function layersOf(
  columns: WalkColumns,
  cuts: readonly number[],
  touched: readonly number[],
): ReadonlySet<number> {
  const {facts} = columns
  const layers = new Set<number>()
  const ofGroups = new Map<number, number>()
  const rows = rowsOf(columns)
  let [item, layer, place] = [0, 0, 0]
  for (let row = 0; row < rows && place < touched.length; row++) {
    const at = row * factsPerRow
    if (kinds[facts.at(at) % inBytes] === 'directory') continue
    if (item++ === cuts[layer]) layer++
    if (row !== touched[place]) continue
    place++
    if (facts.at(at + fact.names) === 0) layers.add(layer)
    else ofGroups.set(facts.at(at + fact.group), layer)
  }
  for (const last of ofGroups.values()) layers.add(last)
  return layers
}
