import type {FleetSlot} from '../../fleet/fleet.js'
import {hashLayer} from '../../layer/pack/hash-layer.js'
import {lookOf} from '../../layer/tree/layer-look.js'
import type {Digest} from '../../oci/digest.js'
import type {Ports} from '../../ports.js'
import {createSlotMemory} from '../slot/slot-memory.js'
import {openSource} from '../slot/source.js'
import {type FleetSettings, sourceOfSlot} from './slot-request.js'

/** What a slot's directory holds now, each read once in a run. */
export type SlotPrint = (slot: FleetSlot) => Promise<Digest | undefined>

/**
 * The diff ID of each slot's directory as its files are now: remembered by their states, else read.
 * `undefined` for a slot with a directory for each platform. Throws what `openSource` throws.
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
  {openMemory, signal}: Ports,
): Promise<Digest | undefined> {
  const request = sourceOfSlot(slot, settings)
  if (/\{\w+\}/.test(request.directory)) return undefined
  const directory = openSource(request, []).directoryFor({os: 'linux', architecture: 'amd64'})
  const {created} = settings
  const placement = {path: slot.path ?? '/', created, onWarning: () => undefined}
  const entries = directory.entries(placement)
  const remembered = await openMemory?.({directory: directory.path, slot: slot.name})
  const memory = remembered && createSlotMemory(remembered)
  const recalled = memory?.isEmpty === false && memory.recall(lookOf(entries('states')))
  if (recalled) return recalled.diffId
  const content = await hashLayer(entries, {signal})
  if (content) memory?.remember(content)
  await memory?.save()
  return content?.diffId
}
