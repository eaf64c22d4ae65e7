import type {FleetSlot} from '../../fleet/fleet.js'
import {hashLayer} from '../../layer/pack/hash-layer.js'
import {lookOf} from '../../layer/tree/layer-look.js'
import type {Digest} from '../../oci/digest.js'
import type {Ports} from '../../ports.js'
import {createSlotMemory} from '../slot/slot-memory.js'
import {isNamed} from '../../layer/tree/owner.js'
import {openSource} from '../source/source.js'
import {type FleetSettings, sourceOfSlot} from './slot-request.js'

/** What a slot's directory holds now, each read once in a run. */
export type SlotPrint = (slot: FleetSlot) => Promise<Digest | undefined>

/**
 * The diff ID of each slot's directory as its files are now: remembered by their states, else read.
 * `undefined` for a slot with a directory for each platform, or an owner that images decide on.
 * Throws what `openSource` throws.
 */
export function createSlotPrints(settings: FleetSettings, ports: Ports): SlotPrint {
  const known = new Map<FleetSlot, Promise<Digest | undefined>>()
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
): Promise<Digest | undefined> {
  const request = sourceOfSlot(slot, settings)
  if (/\{\w+\}/.test(request.directory)) return undefined
  if (slot.owner && isNamed(slot.owner)) return undefined
  const {openMemory, signal} = ports
  const source = await openSource(request, [], ports)
  const content = source.treeFor({os: 'linux', architecture: 'amd64'})
  const {created} = settings
  const placement = {path: slot.path ?? '/', created, onWarning: () => undefined}
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
