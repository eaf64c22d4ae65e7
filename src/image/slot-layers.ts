import type {Layer} from './image.js'
import type {Slot, SlotLayer} from './slot.js'
import type {JsonPath, MemberEdit} from './text-edit.js'

/** What becomes of one place in the list of an image's layers. */
export type LayerStep =
  | {readonly kind: 'keep'; readonly at: number}
  | {readonly kind: 'remove'; readonly at: number}
  | {readonly kind: 'set' | 'insert'; readonly at: number; readonly layer: Layer}

/**
 * How the slot's layers become `layers`, in this order: those that it has stay where they are, new
 * ones go before and between them, the others go. Positions are those of now; what goes to one
 * position stands there in the order of the steps. A slot that is new begins at `end`.
 */
export function planLayers(
  slot: Pick<Slot, 'layers'> | undefined,
  end: number,
  layers: readonly Layer[],
): LayerStep[] {
  const old = new Map((slot?.layers ?? []).map((each) => [each.layer, each]))
  const steps: LayerStep[] = []
  let next = slot?.layers[0]?.layer ?? end
  for (const layer of layers) {
    const at = find(old, layer, next)
    steps.push(at === undefined ? {kind: 'insert', at: next, layer} : {kind: 'keep', at})
    if (at !== undefined) {
      old.delete(at)
      next = at + 1
    }
  }
  for (const at of old.keys()) {
    const last = steps.findLastIndex((step) => step.kind === 'insert' && step.at === at)
    const insert = steps[last]
    // in place of the old one: the list keeps its looks
    if (insert?.kind === 'insert') steps[last] = {...insert, kind: 'set'}
    else steps.push({kind: 'remove', at})
  }
  return steps.sort((a, b) => a.at - b.at)
}

/** The step done to a list, such as that of the layers: in place of what is there, or before it. */
export function editOf({kind}: LayerStep, path: JsonPath, value: unknown): MemberEdit {
  if (kind === 'remove') return {kind, path}
  return {kind: kind === 'insert' ? kind : 'set', path, value}
}

function find(
  old: ReadonlyMap<number, SlotLayer>,
  {diffId}: Layer,
  from: number,
): number | undefined {
  for (const [at, each] of old) if (at >= from && each.diffId === diffId) return at
  return undefined
}
