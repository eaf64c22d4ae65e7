import type {FleetSlot, ImageRules} from '../../fleet/fleet.js'
import type {Reference} from '../../oci/names/reference.js'
import type {PublishRequest} from '../publish/publish-request.js'
import type {OpenUpdateRequest} from '../update.js'
import type {OpenSlots} from './open-slots.js'

/** What holds for all images of a run. */
export interface FleetSettings {
  /** Of the fleet. */
  readonly name: string
  /** The folder that sources are relative to. */
  readonly folder: string
  /** Seconds since the epoch: see `LayerRequest.created`. */
  readonly created: number | undefined
  /** Where the run writes its own files; they must be outside all sources. */
  readonly temporary: string
  readonly openSlots: OpenSlots
}

/** How intermediate results are "published": into a staged store only. */
export const stagedPublish: PublishRequest = {
  dryRun: false,
  onConflict: 'fail',
  noClobber: false,
  ignoresReferrers: true,
}

/** An update of one slot of an image whose state `reference` names; `tag` is for the result. */
export function updateOfSlot(
  slot: FleetSlot,
  {rules, reference, tag}: {rules: ImageRules; reference: Reference; tag: string},
  settings: FleetSettings,
): OpenUpdateRequest {
  const {platforms, attestations, toOci, edits} = rules
  const {path, parents, layers: sharding, compression, level} = slot
  const {created, name: fleet, openSlots} = settings
  const source = openSlots.get(slot)
  if (!source) throw new TypeError('the slot is not open')
  // what another image merged may stay so; of files, only what the fleet says is merged
  const merges = slot.merges ?? (slot.source.kind === 'image' ? undefined : [])
  return {
    image: {reference, name: slot.name, platforms},
    target: {tags: [tag]},
    source,
    layer: {
      ...{path, parents, sharding, compression, level, merges},
      ...{created, toOci, edits, fleet},
    },
    publish: {...stagedPublish, attestations},
  }
}
