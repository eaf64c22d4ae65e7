import type {History} from '../oci/config.js'
import {latestTime, parseTime} from '../oci/time.js'

/**
 * The positions of the history entries that made a layer: the n-th is the n-th layer's. None where
 * the history has more or fewer of them than the image has layers: then no entry is any layer's.
 */
export function layerSteps(history: readonly History[], layers: number): readonly number[] {
  const positions = stepsIn(history)
  return positions.length === layers ? positions : []
}

/**
 * Whether each layer has an entry in the history, or there is no history at all. Tools squash and
 * append layers and forget about it: https://github.com/containers/buildah/issues/4025
 */
export function countsUp(history: readonly History[], layers: number): boolean {
  return history.length === 0 || stepsIn(history).length === layers
}

/** The positions of the entries that name a slot, for a history that does not count up. */
export function ownSteps(history: readonly History[], name: string): readonly number[] {
  return stepsIn(history).filter((position) => isSlotStep(history[position], name))
}

function stepsIn(history: readonly History[]): number[] {
  const positions: number[] = []
  for (const [position, step] of history.entries())
    if (step.empty_layer !== true) positions.push(position)
  return positions
}

/** The one entry that a slot has in the history, however often its content changes. */
export function slotStep(name: string, created: string): {created: string; created_by: string} {
  return {created, created_by: createdBy(name)}
}

/**
 * Whether an entry is of this slot: ours, or, for CernVM-FS's slot, the one that its injector
 * wrote.
 */
export function isSlotStep(step: History | undefined, name: string): boolean {
  if (step === undefined) return false
  if (isCreatedBy(step, name)) return true
  return name === 'cvmfs' && step.author === 'cvmfs_shrinkwrap'
}

/**
 * Seconds since the epoch: nothing in the layer that this entry made is newer; `undefined` when it
 * is not ours, or has no such time.
 */
export function newestIn(step: History | undefined, name: string): number | undefined {
  const time = step && isCreatedBy(step, name) ? parseTime(step.created) : undefined
  return time === latestTime ? undefined : time
}

/** Without a new text: it is asked of all layers, for all slots. */
function isCreatedBy({created_by: text}: History, name: string): boolean {
  return text?.length === prefix.length + name.length && text === createdBy(name)
}

const prefix = 'inject: '

function createdBy(name: string): string {
  return `${prefix}${name}`
}
