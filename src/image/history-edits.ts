import type {History} from '../oci/config.js'
import {countsUp, layerSteps, slotStep} from './history.js'
import type {Image, Layer} from './image.js'
import type {Slot} from './slot.js'
import {editOf, type LayerStep} from './slot-layers.js'
import type {MemberEdit} from './text-edit.js'

/** What changes in a slot, as the history sees it. */
export interface SlotChange {
  /** Of the slot. */
  readonly name: string
  /** RFC 3339. */
  readonly created: string
  /** As they are to be. */
  readonly layers: readonly Layer[]
  readonly steps: readonly LayerStep[]
}

/**
 * Edits of the image's config that give the slot as many entries in the history as it has layers.
 * None for an image that has layers and no history.
 */
export function historyEdits(
  {config, manifest}: Image,
  change: SlotChange,
  slot: Slot | undefined,
): MemberEdit[] {
  const {history = []} = config.value
  const layers = manifest.value.layers.length
  if (!countsUp(history, layers)) return looseEdits(history, change, slot)
  if (history.length === 0 && layers > 0) return []
  return orderedEdits(layerSteps(history, layers), history, change, slot)
}

/**
 * In a history that does not count up: as many entries of the slot as it has layers, at its end.
 * There are as many too many or too few as before.
 */
function looseEdits(
  history: readonly History[],
  {name, created, layers}: SlotChange,
  slot: Slot | undefined,
): MemberEdit[] {
  const value = slotStep(name, created)
  const own = slot?.layers.flatMap((layer) => layer.history ?? []) ?? []
  const kept = own.slice(0, layers.length)
  const missing = layers.length - kept.length
  return [
    ...kept.map((at): MemberEdit => ({kind: 'set', path: ['history', at], value})),
    ...own.slice(kept.length).map((at): MemberEdit => ({kind: 'remove', path: ['history', at]})),
    ...Array.from({length: missing}, (): MemberEdit => {
      return {kind: 'insert', path: ['history', history.length], value}
    }),
  ]
}

/** Every layer of the slot has an entry of its own, and all of them are equal. */
function orderedEdits(
  entries: readonly number[],
  history: readonly History[],
  {name, created, steps}: SlotChange,
  slot: Slot | undefined,
): MemberEdit[] {
  const own = new Set(slot?.layers.map(({layer}) => layer))
  return steps.map((step) => {
    // behind the entry of the slot's layer below, whatever else the image's maker noted after that
    const behind = own.has(step.at - 1) ? (entries[step.at - 1] ?? 0) + 1 : undefined
    const at = step.kind === 'insert' ? (behind ?? entries[step.at]) : entries[step.at]
    return editOf(step, ['history', at ?? history.length], slotStep(name, created))
  })
}
