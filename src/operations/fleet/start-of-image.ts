import {NotFoundError, PreconditionError} from '../../errors.js'
import {decodeDocument} from '../../image/document.js'
import type {Digest} from '../../oci/digest.js'
import {formatReference, type Reference} from '../../oci/names/reference.js'
import type {Ports} from '../../ports.js'
import {isUnmoved} from '../follow/is-unmoved.js'
import {loadImages} from '../follow/load-images.js'
import {originReference} from '../follow/origin-reference.js'
import {carrySlots} from './carry-slots.js'
import {byDigest, type FleetImage, tagOf} from './fleet-image.js'
import type {ImagePlace} from './image-place.js'
import {hasForeignSlots, type ImageState, refuseOthers, stateOf} from './image-state.js'

/** The document that slots are put into. */
export interface Start {
  readonly digest: Digest
  /** What the target's tag names now; `undefined`: nothing. */
  readonly before: Digest | undefined
  /** The reference to it, by its digest; with a tag if the result remembers it as its origin. */
  readonly from: Reference
  /** What the tag names now; `undefined` if nothing is kept of it. */
  readonly state: ImageState | undefined
  /** What the vendor's tag names; `undefined` if it was not looked at. */
  readonly vendor: Digest | undefined
  readonly kind: 'updated' | 'rebased'
}

/**
 * What the work on an image starts from: what the target's tag names, if that is on the vendor's
 * current image, else that one. Throws what `stateOf` and `refuseOthers` throw, `NotFoundError`,
 * and `PreconditionError` (`ERR_INJECT_FLEET_TARGET`) for a target that no fleet made.
 */
export async function startOf(
  place: ImagePlace,
  image: FleetImage,
  fleet: string,
  ports: Ports,
): Promise<Start> {
  const {staged, isInPlace} = place
  const {signal} = ports
  const stored = await staged.getManifest(tagOf(image.target), {signal})
  if (!stored) {
    if (isInPlace) throw missing(image.target)
    return onVendors(image, await vendorDigest(place, image, signal), undefined)
  }
  const found = {...decodeDocument(stored), tag: undefined}
  const state = await stateOf(staged, found, image, ports)
  refuseOthers(state, image, fleet)
  const {digest} = state
  const isPinned = image.rules.base === 'pin'
  const same = {digest, before: digest, state, vendor: undefined, kind: 'updated'} as const
  if (isInPlace) {
    const start: Start = {...same, from: {...image.target, digest}}
    const isFollowed = !isPinned && state.slots.length > 0
    return isFollowed ? followOrigin(place, image, {...start, state}, ports) : start
  }
  if (state.origin.digest === undefined) throw notOurs(image, fleet)
  const stay: Start = {...same, from: byDigest(image.target, digest)}
  if (isPinned) return stay
  const vendor = await vendorDigest(place, image, signal)
  if (state.origin.digest === vendor || (await isSame(place, state, vendor, signal)))
    return {...stay, vendor}
  // made from the vendor's again, unless there are slots that this fleet cannot make
  if (!hasForeignSlots(state, image, fleet)) return onVendors(image, vendor, digest)
  const carried = await carrySlots(
    place,
    {image, digest, onto: {...image.source, digest: vendor}},
    ports,
  )
  return {...stay, vendor, ...carried}
}

/** An image that is made from the vendor's, without anything of what the tag names. */
function onVendors({source}: FleetImage, digest: Digest, before: Digest | undefined): Start {
  const kind = before === undefined ? 'updated' : 'rebased'
  return {digest, before, from: {...source, digest}, state: undefined, vendor: digest, kind}
}

/** An image that was made in place from another one follows that, where it says which. */
async function followOrigin(
  place: ImagePlace,
  image: FleetImage,
  start: Start & {readonly state: ImageState},
  ports: Ports,
): Promise<Start> {
  const {origin, digest} = start.state
  const onto = originReference(origin, image.target)
  if (!onto || formatReference(onto) === formatReference(image.target)) return start
  const vendors = await ports.openStore(onto, {writes: false})
  let vendor: Digest | undefined
  try {
    vendor = await vendors.statManifest(tagOf(onto), {signal: ports.signal})
    if (vendor === undefined || vendor === origin.digest) return {...start, vendor: origin.digest}
  } finally {
    await vendors.close()
  }
  return {...start, vendor, ...(await carrySlots(place, {image, digest, onto}, ports))}
}

async function vendorDigest(
  {source}: ImagePlace,
  image: FleetImage,
  signal: AbortSignal,
): Promise<Digest> {
  const digest = await source.statManifest(tagOf(image.source), {signal})
  if (digest !== undefined) return digest
  throw missing(image.source)
}

/** Where the digests differ only because the target has a part of the vendor's index. */
async function isSame(
  {staged}: ImagePlace,
  {images}: ImageState,
  vendor: Digest,
  signal: AbortSignal,
): Promise<boolean> {
  const stored = await staged.getManifest(vendor, {signal})
  if (!stored) return false
  const document = decodeDocument(stored)
  // two single images have been compared by their digests already
  if (document.kind === 'image' && !images.tree) return false
  return isUnmoved(images, await loadImages(staged, {...document, tag: undefined}, signal))
}

function missing(reference: Reference): NotFoundError {
  return new NotFoundError(
    'ERR_INJECT_IMAGE_NOT_FOUND',
    `there is no image ${formatReference(reference)}`,
    {hint: 'check the name and the tag in the fleet file'},
  )
}

function notOurs({target}: FleetImage, fleet: string): PreconditionError {
  return new PreconditionError(
    'ERR_INJECT_FLEET_TARGET',
    `${formatReference(target)} exists, and no fleet made it`,
    {
      expected: `an image of the fleet ${fleet}`,
      hint: 'choose another target in the fleet file, or delete that tag',
    },
  )
}
