import type {Layer} from './image.js'
import {mostLayers} from './sharding.js'

/** A layer, and where the image has it. */
export interface PlacedLayer extends Layer {
  /** Its position, in the manifest's layers as in the config's diff IDs. */
  readonly layer: number
  /**
   * Position of its entry in the config's history; `undefined` when the image has no history, or
   * one that does not tell.
   */
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

/**
 * Whether there is a choice: equal layers have equal diff IDs (of two empty directories, say), and
 * no history tells which of them is the slot's.
 */
export function isAmbiguous({name, diffIds}: LabelledSlot, places: Places, isOwn: IsOwn): boolean {
  return diffIds.some((diffId) => candidatesFor(name, diffId, places, isOwn).length > 1)
}

/**
 * Which of the image's layers are which slot's, by name; slots that have lost a layer are not among
 * them. Where there is a choice, a slot has layers that are in its order and as near to each other
 * as can be, the topmost of those, and none that is another slot's: so slots that share some
 * content are told apart by what they do not share, and those that are equal, of which it does not
 * matter, by the order of their labels.
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
    const layers = chosen(candidates, taken)
    if (layers === undefined) continue
    found.set(name, layers)
    for (const {layer} of layers) taken.add(layer)
  }
  return found
}

type Candidates = readonly (readonly PlacedLayer[])[]

function chosen(
  candidates: Candidates,
  taken: ReadonlySet<number>,
): readonly PlacedLayer[] | undefined {
  // most slots are of one layer, and there is one
  if (candidates.length === 1 && candidates[0]?.length === 1) return candidates[0]
  const free = candidates.map((each) => each.filter(({layer}) => !taken.has(layer)))
  return nearest(free) ?? topmost(free) ?? topmost(candidates)
}

function candidatesFor(
  name: string,
  diffId: string,
  places: Places,
  isOwn: IsOwn,
): readonly PlacedLayer[] {
  // nobody can use an image of more layers than that, so every slot is placed in bounded time
  const same = (places.get(diffId) ?? []).slice(-mostLayers)
  const own = same.filter((layer) => isOwn(layer, name))
  return own.length > 0 ? own : same
}

/** A chain of layers by its upper end. */
interface Chain {
  readonly end: PlacedLayer
  readonly below: Chain | undefined
  /** The position of its lowest layer. */
  readonly start: number
}

/**
 * One of each, each above the one before, with as few layers between as can be, and of those the
 * topmost. Each candidate is looked at once.
 */
function nearest(candidates: Candidates): readonly PlacedLayer[] | undefined {
  const [lowest = [], ...others] = candidates
  let chains = lowest.map((end): Chain => ({end, below: undefined, start: end.layer}))
  for (const each of others) {
    const below = chains
    let next = 0
    // the highest that is below it leads to the highest start, since both lists ascend
    chains = each.flatMap((end): Chain[] => {
      while ((below[next]?.end.layer ?? Infinity) < end.layer) next++
      const chain = below[next - 1]
      return chain ? [{end, below: chain, start: chain.start}] : []
    })
  }
  let best: Chain | undefined
  for (const chain of chains) if (!best || spanOf(chain) <= spanOf(best)) best = chain
  return best && layersOf(best)
}

function spanOf({end, start}: Chain): number {
  return end.layer - start
}

function layersOf(chain: Chain): readonly PlacedLayer[] {
  const layers: PlacedLayer[] = []
  for (let each: Chain | undefined = chain; each; each = each.below) layers.push(each.end)
  return layers.reverse()
}

/** The last of each, where there is one of each: another tool has changed their order. */
function topmost(candidates: Candidates): readonly PlacedLayer[] | undefined {
  const last = candidates.flatMap((each) => each.at(-1) ?? [])
  return last.length === candidates.length && last.length > 0 ? last : undefined
}
