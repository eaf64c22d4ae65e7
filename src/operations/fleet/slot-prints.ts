import type {FleetSlot} from '../../fleet/fleet.js'
import {hashLayer} from '../../layer/pack/hash-layer.js'
import {lookOf} from '../../layer/tree/layer-look.js'
import type {Ports} from '../../ports.js'
import {createSlotMemory} from '../slot/slot-memory.js'
import {isNamed} from '../../layer/tree/owner.js'
import type {FleetSettings} from './slot-request.js'

/** Stands for what a slot's source holds now, each read once in a run. */
export type SlotPrint = (slot: FleetSlot) => Promise<string | undefined>

/**
 * The diff ID of each slot's files as they are now: remembered by their states, else read; of a
 * slot of another image that image's digest. `undefined` for a slot with a directory for each
 * platform, or an owner that images decide on. Throws what `treeFor` throws.
 */
export function createSlotPrints(settings: FleetSettings, ports: Ports): SlotPrint {
  const known = new Map<FleetSlot, Promise<string | undefined>>()
  return (slot) => {
    const print = known.get(slot) ?? printOf(slot, settings, ports)
    known.set(slot, print)
    return print
  }
}

async function printOf(
  slot: FleetSlot,
  settings: FleetSettings,
  ports: Ports,
): Promise<string | undefined> {
  const {source: named, owner, path} = slot
  if (owner && isNamed(owner)) return undefined
  const open = settings.openSlots.get(slot)
  if (!open) throw new TypeError('the slot is not open')
  if ('print' in open.origin) return open.origin.print
  if (named.kind === 'path' && /\{\w+\}/.test(named.path)) return undefined
  const {openMemory, signal} = ports
  const content = open.origin.source.treeFor({os: 'linux', architecture: 'amd64'})
  const {created} = settings
  const placement = {path: path ?? '/', created, onWarning: () => undefined}
  const entries = content.entries(placement)
  const place = content.identity
  const remembered =
    place === undefined ? undefined : await openMemory?.({directory: place, slot: slot.name})
  const memory = remembered && createSlotMemory(remembered)
  const recalled = memory?.isEmpty === false && memory.recall(lookOf(entries('states')))
  if (recalled) return recalled.diffId
  const hashed = await hashLayer(entries, {signal})
  if (hashed) memory?.remember(hashed)
  await memory?.save()
  return hashed?.diffId
}
