import {
  type CarriedSlot,
  type ChangedTwice,
  changedTwice,
  putSlots,
  refuseBuiltUpon,
  takeSlots,
} from '../../image/follow/carry-slots.js'
import {originOf} from '../../image/follow/origin.js'
import {refuseUnlessRebasable, runImageOf, swapRunImage} from '../../image/follow/run-image.js'
import {checkRoom} from '../../image/room.js'
import type {Image} from '../../image/image.js'
import {toOci} from '../../image/to-oci.js'
import {familyOf} from '../../oci/manifest.js'
import type {Digest} from '../../oci/digest.js'
import {formatPlatform, type Platform} from '../../oci/platform.js'
import {type Reference, referenceIn, repositoryName} from '../../oci/names/reference.js'
import type {ContentStore} from '../../store/content-store.js'
import type {Ports} from '../../ports.js'
import type {BaseLayers} from '../slot/entries/base-layers.js'
import {fetchOriginal} from '../find/fetch-original.js'
import {originName} from '../find/image-request.js'
import {type Hidden, lookBelow} from './look-below.js'
import type {ImagePair} from './pair-images.js'
import {recomputeMerges} from './recompute-merges.js'
import {recomputeParents} from './recompute-parents.js'
import type {RecomputedSlot} from './repack-layer.js'
import type {LookPolicy} from './slot-index.js'

/** How the slots of one image are put on another. */
export interface RebaseOptions {
  /** Names what they are put on. */
  readonly onto: Reference
  readonly look: LookPolicy
  /** Rebase an image of buildpacks although it forbids that. */
  readonly force: boolean
  readonly dryRun: boolean
}

/** A slot that was carried over. */
export interface RebasedSlot {
  readonly name: string
  readonly path: string
  /** How many layers it has. */
  readonly layers: number
  /** Layers that were packed again: what they have from the image differs. */
  readonly repacked: number
}

/** An image with its slots, before and after. */
export interface RebasedImage {
  readonly platform: Platform
  readonly before: Image
  /** The image of the document that they were put on. */
  readonly onto: Image
  /** What the slots were put on; for an image of buildpacks, with the new run image below it. */
  readonly base: Image
  /** `undefined` in a dry run that would have to pack. */
  readonly after: Image | undefined
  /** Only the run image below an image of buildpacks was replaced. */
  readonly isRunImage: boolean
  /** The manifest that the slots were put into before. */
  readonly from: Digest | undefined
  readonly slots: readonly RebasedSlot[]
  readonly changedTwice: readonly ChangedTwice[]
  readonly hidden: Hidden
}

/**
 * Puts the slots of an image on another one. `store` reads what both need, and writes where the
 * result goes. Throws what `refuseBuiltUpon`, `refuseUnlessRebasable`, `checkRoom` and `putSlots`
 * throw.
 */
export async function rebasedImage(
  store: ContentStore,
  {platform, image: before, onto: {image: onto}}: ImagePair,
  {layers, ...options}: RebaseOptions & {readonly layers: BaseLayers},
  ports: Ports,
): Promise<RebasedImage> {
  const taken = takeSlots(before)
  const from = originOf(before).digest
  const original = from && (await fetchOriginal(store, from, ports.signal))
  refuseBuiltUpon(before, taken, original, `the image for ${formatPlatform(platform)}`)
  const isRunImage = runImageOf(before) !== undefined && runImageOf(onto) === undefined
  const base = isRunImage ? onRunImage(taken.rest, onto, options) : sameFormat(onto, before)
  checkRoom(base, undefined)
  const {look: policy, dryRun} = options
  const below = {before: taken.rest, after: base}
  const hidden = await lookBelow(taken.slots, below, {layers, policy}, ports)
  const carried = []
  for (const slot of taken.slots)
    carried.push(await recompute(store, slot, {onto: base, layers, dryRun}, ports))
  const isKnown = !dryRun || carried.every(({repacked}) => repacked === 0)
  const digest = isRunImage ? base.manifest.descriptor.digest : onto.manifest.descriptor.digest
  const origin = isRunImage ? undefined : originName(options.onto)
  const slots = carried.map(({slot}) => slot)
  return {
    ...{platform, before, onto, base, from, isRunImage, hidden},
    after: isKnown ? putSlots(base, slots, {digest, origin}) : undefined,
    slots: carried.map(({slot: {name, path, layers: own}, repacked}) => {
      return {name, path, layers: own.length, repacked}
    }),
    changedTwice: changedTwice(taken, base),
  }
}

/** What a slot takes from the image below it: directories, and parts of files. */
async function recompute(
  store: ContentStore,
  slot: CarriedSlot,
  how: {onto: Image; layers: BaseLayers; dryRun: boolean},
  ports: Ports,
): Promise<RecomputedSlot> {
  const placed = await recomputeParents(store, slot, how, ports)
  const merged = await recomputeMerges(store, placed.slot, how, ports)
  return {slot: merged.slot, repacked: Math.max(placed.repacked, merged.repacked)}
}

/** An image that was made OCI's stays so: its layers may be of kinds that Docker's format lacks. */
function sameFormat(onto: Image, before: Image): Image {
  const [own, other] = [before, onto].map(({manifest: {value, descriptor}}) =>
    familyOf(value, descriptor.mediaType),
  )
  return own === 'oci' && other === 'docker' ? toOci(onto) : onto
}

function onRunImage(rest: Image, run: Image, {onto, force}: Omit<RebaseOptions, 'look'>): Image {
  const {names = []} = runImageOf(rest) ?? {}
  const isNamed = names.some((name) => {
    const reference = referenceIn(name)
    return reference !== undefined && repositoryName(reference) === repositoryName(onto)
  })
  if (!force) refuseUnlessRebasable(rest, run, isNamed)
  return swapRunImage(rest, run, `${repositoryName(onto)}@${run.manifest.descriptor.digest}`)
}
