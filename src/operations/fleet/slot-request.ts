import {isAbsolute, join} from 'node:path'
import type {FleetSlot, ImageRules} from '../../fleet/fleet.js'
import type {Reference} from '../../oci/names/reference.js'
import type {PublishRequest} from '../publish/publish-request.js'
import type {Output} from '../source/outputs.js'
import type {PackRules} from '../source/source-tree.js'
import type {UpdateRequest} from '../update.js'

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
}

/** How intermediate results are "published": into a staged store only. */
export const stagedPublish: PublishRequest = {
  dryRun: false,
  onConflict: 'fail',
  noClobber: false,
  ignoresReferrers: true,
}

/** The directory of a slot, and what of it is packed. */
export function sourceOfSlot(
  {source, exclude, whiteouts, owner, chmod, allowEmpty}: FleetSlot,
  {folder, temporary}: Pick<FleetSettings, 'folder' | 'temporary'>,
): {readonly directory: string; readonly outputs: readonly Output[]} & PackRules {
  const directory = isAbsolute(source) ? source : join(folder, source)
  const outputs = [{what: 'the folder for temporary files', path: temporary}]
  return {directory, exclude, whiteouts, owner, chmod, allowEmpty, outputs}
}

/** An update of one slot of an image whose state `reference` names; `tag` is for the result. */
export function updateOfSlot(
  slot: FleetSlot,
  {rules, reference, tag}: {rules: ImageRules; reference: Reference; tag: string},
  settings: FleetSettings,
): UpdateRequest {
  const {platforms, attestations, toOci, edits} = rules
  const {path, parents, layers: sharding, compression, level} = slot
  const {created, name: fleet} = settings
  return {
    image: {reference, name: slot.name, platforms},
    target: {tags: [tag]},
    source: sourceOfSlot(slot, settings),
    layer: {path, parents, sharding, compression, level, created, toOci, edits, fleet},
    publish: {...stagedPublish, attestations},
  }
}
