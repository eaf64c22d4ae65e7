import type {Division, RecalledDivision} from '../tree/division.js'
import type {TouchedFiles} from './look-again.js'

/** A division of entries that have the same names and sizes as when it was made. */
export function recalledDivision(
  {plan, cuts, looks}: Division,
  {files, newestMtime}: TouchedFiles,
): RecalledDivision {
  const layers = layersOf(cuts, files)
  return {
    plan,
    newestMtime,
    looks: looks.map((look, layer) => (layers.has(layer) ? undefined : look)),
  }
}

/** Things with several names are in the layer of the last of them. */
function layersOf(cuts: readonly number[], files: TouchedFiles['files']): ReadonlySet<number> {
  const layers = new Set<number>()
  const ofGroups = new Map<number, number>()
  let layer = 0
  for (const {item, group} of files) {
    while (layer < cuts.length && item >= (cuts[layer] ?? Infinity)) layer++
    if (group === undefined) layers.add(layer)
    else ofGroups.set(group, layer)
  }
  for (const last of ofGroups.values()) layers.add(last)
  return layers
}
