import {PreconditionError} from '../../errors.js'
import {descriptorOf} from '../../image/document.js'
import {findSlots, type Slot} from '../../image/slot.js'
import type {Digest} from '../../oci/digest.js'
import {formatReference} from '../../oci/names/reference.js'
import {quoted} from '../../oci/quoted.js'
import type {ContentStore} from '../../store/content-store.js'
import type {Ports} from '../../ports.js'
import type {FoundDocument} from '../find/find-document.js'
import {loadTargets} from '../find/load-targets.js'
import {type LoadedImages, originOfLoaded} from '../follow/load-images.js'
import type {Origin} from '../../image/follow/origin.js'
import type {FleetImage} from './fleet-image.js'

/** A document that a tag names now, as far as a fleet needs to know it. */
export interface ImageState {
  readonly digest: Digest
  /** The images for the platforms of the fleet. */
  readonly images: LoadedImages
  readonly slots: readonly Slot[]
  readonly origin: Origin
}

/** Reads the images for the chosen platforms. Throws what `loadTargets` throws. */
export async function stateOf(
  store: ContentStore,
  found: FoundDocument,
  {rules, slots, target}: FleetImage,
  ports: Ports,
): Promise<ImageState> {
  const {platforms} = rules
  // with a name, because none is chosen here
  const request = {reference: target, platforms, name: slots[0]?.name ?? 'slot'}
  const {tree, targets} = await loadTargets(store, found, request, ports)
  const {digest} = descriptorOf(found)
  const images: LoadedImages = {digest, tree, images: targets}
  return {
    ...{digest, images},
    slots: targets.flatMap(({image}) => findSlots(image)),
    origin: originOfLoaded(images),
  }
}

/**
 * Throws `PreconditionError` (`ERR_INJECT_FLEET_OTHER`) if a slot that the image should get belongs
 * to another fleet.
 */
export function refuseOthers({slots}: ImageState, image: FleetImage, fleet: string): void {
  for (const {name, fleet: owner} of slots) {
    if (owner === undefined || owner === fleet) continue
    if (!image.slots.some((slot) => slot.name === name)) continue
    throw new PreconditionError(
      'ERR_INJECT_FLEET_OTHER',
      `slot ${quoted(name)} of ${formatReference(image.target)} belongs to the fleet ${quoted(owner)}`,
      {
        expected: fleet,
        found: owner,
        hint: 'give the slot another name, or remove it by inject remove first',
      },
    )
  }
}

/** Slots of this fleet that its file no longer has for the image. */
export function staleSlots(
  {slots}: Pick<ImageState, 'slots'>,
  image: FleetImage,
  fleet: string,
): readonly string[] {
  const wanted = new Set(image.slots.map(({name}) => name))
  const stale = slots.filter((slot) => slot.fleet === fleet && !wanted.has(slot.name))
  return [...new Set(stale.map(({name}) => name))]
}

/** The names of slots that are neither of the fleet nor wanted by it. */
export function foreignSlots(
  {slots}: ImageState,
  image: FleetImage,
  fleet: string,
): readonly string[] {
  const wanted = new Set(image.slots.map(({name}) => name))
  const foreign = slots.filter((slot) => slot.fleet !== fleet && !wanted.has(slot.name))
  return foreign.map(({name}) => name)
}
