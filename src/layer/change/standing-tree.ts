import type {SeenTree} from '../recording/look-again.js'
import {
  fact,
  factsPerRow,
  inBytes,
  kinds,
  rowsOf,
  statesPerRow,
  type WalkColumns,
} from '../recording/columns/walk-columns.js'
import {forgetLayerOf, type RowLayers} from '../recording/columns/row-layers.js'
import type {Digest} from '../../oci/digest.js'

/** A directory as it was when it was unpacked or walked last. */
export interface StandingTree {
  /** With the layers that its entries come from. */
  readonly columns: WalkColumns & {readonly layers: RowLayers}
  readonly seen: SeenTree
  /** All of it is kept for the next run already. */
  readonly isKept: boolean
}

/** The places of layers that stay, by the place that they have now. */
export type KeptPlaces = ReadonlyMap<number, number>

/**
 * Which of the layers a directory has, untouched; each once. To be asked again when something was
 * found to be touched.
 */
export function keptPlaces({columns}: StandingTree, diffIds: readonly Digest[]): KeptPlaces {
  const kept = new Map<number, number>()
  const taken = new Set<number>()
  for (const [now, layer] of columns.layers.list.entries()) {
    const place = layer ? diffIds.indexOf(layer.diffId) : -1
    if (place < 0 || taken.has(place)) continue
    taken.add(place)
    kept.set(now, place)
  }
  return kept
}

/**
 * Forgets layers that are not on disk as unpacking would leave them: files whose time has a
 * fraction of a second, or that have a name outside of the directory.
 */
export function forgetOddLayers({columns}: StandingTree): void {
  const {facts, states, layers} = columns
  const names = new Map<number, {row: number; missing: number}>()
  for (let row = 0; row < rowsOf(columns); row++) {
    const at = row * factsPerRow
    if (kinds[facts.at(at) % inBytes] === 'directory') continue
    if (states.at((row + 1) * statesPerRow + 1) % second !== 0n) forgetLayerOf(layers, row)
    const count = facts.at(at + fact.names)
    if (count === 0) continue
    const group = names.get(facts.at(at + fact.group)) ?? {row, missing: count}
    group.missing--
    names.set(facts.at(at + fact.group), group)
  }
  for (const {row, missing} of names.values()) if (missing > 0) forgetLayerOf(layers, row)
}

const second = 1_000_000_000n
