import {ConflictError} from '../../errors.js'
import type {SharedLayers} from '../../layer/pack/shared-layers.js'
import type {Digest} from '../../oci/digest.js'
import type {FleetSlot} from '../../fleet/fleet.js'
import type {OutcomeStatus} from '../../fleet/report/outcome.js'
import type {ContentStore} from '../../store/content-store.js'
import type {Ports} from '../../ports.js'
import {defaultTemplate} from '../publish/keep-replaced.js'
import {warnOfLostStatement} from '../publish/lost-statement.js'
import {remove} from '../remove.js'
import {update} from '../update.js'
import {attestStaged, describeStaged} from './attest-staged.js'
import {byDigest, type FleetImage, tagOf} from './fleet-image.js'
import type {ImagePlace} from './image-place.js'
import {staleSlots} from './image-state.js'
import {type LinkedLayer, linkedLayers} from './linked-layers.js'
import {noteStaged, publishStaged, sizeOfStaged} from './publish-staged.js'
import {type FleetSettings, stagedPublish, updateOfSlot} from './slot-request.js'
import {stepTag} from './staged-store.js'
import {type Start, startOf} from './start-of-image.js'

export interface ReconcileOptions extends FleetSettings {
  /** Remove slots of this fleet that are no longer wanted. */
  readonly prune: boolean
  readonly dryRun: boolean
  /** Called with layers of the fleet that the image has already. */
  readonly onHeld: (digest: Digest) => void
  /** Where the layers of a slot come from. */
  readonly layersOf: (slot: FleetSlot) => SharedLayers
  /** Makes the real store hold a layer of another image. */
  readonly link: (layer: LinkedLayer) => Promise<void>
  /** Called with the bytes of each document that is, or would be, sent. */
  readonly onSent: (bytes: number) => void
}

/** What became of an image, or would. */
export interface Reconciled {
  readonly status: Extract<OutcomeStatus, 'unchanged' | 'updated' | 'rebased' | 'removed'>
  readonly before: Digest | null
  readonly after: Digest
  /** What the vendor's tag names; `undefined` if it was not looked at. */
  readonly vendor: Digest | undefined
  /** Slots of this fleet that are left, and would be removed by `--prune`. */
  readonly stale: readonly string[]
  /** Whether a statement of it was attached that was not there, or would be. */
  readonly isAttested: boolean
}

/**
 * Makes one image what the fleet says: on the vendor's current image, with exactly the fleet's
 * content in its slots, by one move of one tag. Throws what `startOf`, `update` and `remove` throw.
 */
export async function reconcile(
  place: ImagePlace,
  image: FleetImage,
  options: ReconcileOptions,
  ports: Ports,
): Promise<Reconciled> {
  const {staged} = place
  // what is made on the way is not said to anyone
  const silent = {...ports, attest: undefined}
  const start = await startOf(place, image, options.name, silent)
  for (const slot of start.state?.slots ?? [])
    if (slot.fleet === options.name)
      for (const {descriptor} of slot.layers) options.onHeld(descriptor.digest)
  const stale = start.state ? staleSlots(start.state, image, options.name) : []
  const removed = options.prune ? stale : []
  const changed = await changedSlots(place, image, {start, removed, options}, silent)
  const described = await describeStaged(staged, changed, ports)
  const {before, vendor, kind} = start
  const [only, ...others] = image.slots
  const slot = others.length > 0 ? undefined : only?.name
  const after = await noteStaged(staged, {digest: described, replaced: before, slot}, ports)
  const isKnown = after === before
  const said = {digest: after, target: image.target, from: withDigest(start), isKnown}
  const result = {before: before ?? null, after, vendor, stale: options.prune ? [] : stale}
  const attest = () =>
    image.slots.length > 0 && attestStaged(place, {...said, dryRun: options.dryRun}, ports)
  if (isKnown) return {...result, status: 'unchanged', isAttested: await attest()}
  for (const layer of linkedLayers(staged, after, options.openSlots)) await options.link(layer)
  const isAttested = await attest()
  if (options.dryRun) options.onSent(await sizeOfStaged(staged, after))
  else await publishResult(place, image, {digest: after, start, options}, ports)
  const isRemoval = image.slots.length === 0 && removed.length > 0
  return {...result, status: isRemoval ? 'removed' : kind, isAttested}
}

function withDigest({from, digest}: Start) {
  return {...from, digest}
}

interface Changes {
  readonly start: Start
  /** The slots to take out. */
  readonly removed: readonly string[]
  readonly options: ReconcileOptions
}

/** The digest of the document with the slots, in the staged store. */
async function changedSlots(
  {staged}: ImagePlace,
  {slots, rules, target}: FleetImage,
  {start, removed, options}: Changes,
  ports: Ports,
): Promise<Digest> {
  const own = {...ports, openStore: () => Promise.resolve<ContentStore>(staged)}
  let {digest} = start
  let reference = start.from
  let step = 0
  for (const slot of slots) {
    const how = {rules, reference, tag: stepTag(++step)}
    const shared = {...own, sharedLayers: options.layersOf(slot)}
    const result = await update(updateOfSlot(slot, how, options), shared)
    digest = result.digest ?? digest
    reference = byDigest(target, digest)
  }
  for (const name of removed) {
    const request = {
      image: {reference: byDigest(target, digest), name, platforms: rules.platforms},
      target: {tags: [stepTag(++step)]},
      publish: {...stagedPublish, attestations: rules.attestations},
    }
    digest = (await remove(request, own)).digest
  }
  return digest
}

interface Result {
  readonly digest: Digest
  readonly start: Start
  readonly options: ReconcileOptions
}

async function publishResult(
  {real, staged}: ImagePlace,
  {rules, target}: FleetImage,
  {digest, start: {before, state}, options: {onSent}}: Result,
  ports: Ports,
): Promise<void> {
  const {keep: count} = rules
  const keep = count === undefined ? undefined : {count, template: defaultTemplate}
  const moves = [{tag: tagOf(target), from: before ?? ('absent' as const)}]
  const publication = {digest, moves, onSent, request: {publish: {...stagedPublish, keep}}}
  await publishStaged(real, staged, publication, ports)
  // what is said of an image without slots is its vendor's
  const isVendors = state?.slots.length === 0
  if (!isVendors) await warnOfLostStatement(real, {digest, moves}, ports)
}

/** Whether the work may succeed when it starts again from what is there now. */
export function isMoved(error: unknown): boolean {
  return error instanceof ConflictError && error.code === 'ERR_INJECT_TAG_MOVED'
}
