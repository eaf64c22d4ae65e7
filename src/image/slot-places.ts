import type {Layer} from './image.js'
import {mostLayers} from './sharding.js'

/** A layer, and where the image has it. */
export interface PlacedLayer extends Layer {
  /** Its position, in the manifest's layers as in the config's diff IDs. */
  readonly layer: number
  /** Position of its entry in the config's history; `undefined` when the image has no history. */
  readonly history: number | undefined
}

/** By diff ID: where the image has layers of that content, lowest first. */
export type Places = ReadonlyMap<string, readonly PlacedLayer[]>

/** A slot that labels speak of, with the diff IDs of its layers, lowest first, each once. */
export interface LabelledSlot {
  readonly name: string
  readonly diffIds: readonly string[]
}

/** Whether the image's history says of a layer that it is the slot's. */
export type IsOwn = (layer: PlacedLayer, name: string) => boolean

/** Whether there is a choice: equal layers have equal diff IDs (of two empty directories, say), and no history tells which of them is the slot's. */
export function isAmbiguous({name, diffIds}: LabelledSlot, places: Places, isOwn: IsOwn): boolean {
  return diffIds.some((diffId) => candidatesFor(name, diffId, places, isOwn).length > 1)
}

/**
 * Which of the image's layers are which slot's, by name; slots that have lost a layer are not among them. Where there is a choice, a slot has layers that are in its order
 * and as near to each other as can be, the topmost of those, and none that is another slot's: so slots that share some content are told apart by what they do not share, and
 * those that are equal, of which it does not matter, by the order of their labels.
 */
export function placeSlots(
  slots: readonly LabelledSlot[],
  places: Places,
  isOwn: IsOwn,
): ReadonlyMap<string, readonly PlacedLayer[]> {
  const found = new Map<string, readonly PlacedLayer[]>()
  const taken = new Set<number>()
  // a slot that was put in later is above
  const later = slots.toReversed().map(({name, diffIds}) => {
    const candidates = diffIds.map((diffId) => candidatesFor(name, diffId, places, isOwn))
    return {name, candidates, isAnchored: candidates.some(({length}) => length === 1)}
  })
  const inOrder = [
    ...later.filter((each) => each.isAnchored),
    ...later.filter((each) => !each.isAnchored),
  ]
  for (const {name, candidates} of inOrder) {
    const free = candidates.map((each) => each.filter(({layer}) => !taken.has(layer)))
    const layers = nearest(free) ?? topmost(free) ?? topmost(candidates)
    if (layers === undefined) continue
    found.set(name, layers)
    for (const {layer} of layers) taken.add(layer)
  }
  return found
}

function candidatesFor(
  name: string,
  diffId: string,
  places: Places,
  isOwn: IsOwn,
): readonly PlacedLayer[] {
  // nobody can use an image of more layers than that, and so none takes for ever
  const same = (places.get(diffId) ?? []).slice(-mostLayers)
  const own = same.filter((layer) => isOwn(layer, name))
  return own.length > 0 ? own : same
}

/** One of each, each above the one before, with as few layers between as can be. */
function nearest(
  candidates: readonly (readonly PlacedLayer[])[],
): readonly PlacedLayer[] | undefined {
  let best: readonly PlacedLayer[] | undefined
  for (const end of candidates.at(-1)?.toReversed() ?? []) {
    const chain = [end]
    for (const each of candidates.slice(0, -1).reverse()) {
      const below = each.findLast(({layer}) => layer < (chain[0]?.layer ?? 0))
      if (below === undefined) break
      chain.unshift(below)
    }
    if (chain.length === candidates.length && spanOf(chain) < spanOf(best)) best = chain
  }
  return best
}

function spanOf(layers: readonly PlacedLayer[] | undefined): number {
  const [first, last] = [layers?.[0], layers?.at(-1)]
  return first && last ? last.layer - first.layer : Infinity
}

/** The last of each, where there is one of each: another tool has changed their order. */
function topmost(
  candidates: readonly (readonly PlacedLayer[])[],
): readonly PlacedLayer[] | undefined {
  const last = candidates.flatMap((each) => each.at(-1) ?? [])
  return last.length === candidates.length && last.length > 0 ? last : undefined
}
