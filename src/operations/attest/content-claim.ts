import {isRebuilt, differenceFromVendor} from '../../attest/vendor-content.js'
import {InjectError, NetworkError} from '../../errors.js'
import {takeSlots} from '../../image/follow/carry-slots.js'
import {originOf} from '../../image/follow/origin.js'
import type {Image} from '../../image/image.js'
import {findSlots} from '../../image/slot.js'
import type {Digest} from '../../oci/digest.js'
import {quoted} from '../../oci/quoted.js'
import type {ContentStore} from '../../store/content-store.js'
import {fetchOriginal} from '../find/fetch-original.js'

/** Whether everything but the slots is the vendor's. */
export interface ContentProof {
  readonly proven: boolean
  readonly detail: string
  /** The vendor's image, if it is proven to be below the slots. */
  readonly vendor: Digest | undefined
}

/** Where the vendor's image may be, the first place first. */
export interface VendorPlaces {
  /** Where the vendor has it, by the word of the user: then it must be there. */
  readonly said: ContentStore | undefined
  /** Where it may be without asking elsewhere: beside the image. */
  readonly near: ContentStore
  /** Where the image says that it comes from; asked only if nothing else proves a claim. */
  readonly far: () => Promise<ContentStore | undefined>
}

/** All places, the ones to ask first in front. */
export async function* placesOf({
  said,
  near,
  far,
}: VendorPlaces): AsyncGenerator<ContentStore, void, undefined> {
  if (said) yield said
  yield near
  const other = said ? undefined : await far()
  if (other) yield other
}

/**
 * Proves that an image is a vendor's image with slots: taken out of it, what is left is the
 * vendor's manifest again, by its digest, or differs from it in nothing but the time of its config.
 * No layer is read.
 */
export async function proveContent(
  image: Image,
  places: VendorPlaces,
  signal: AbortSignal,
): Promise<ContentProof> {
  const {said} = places
  const own = image.manifest.descriptor.digest
  const digest = findSlots(image).length === 0 ? own : originOf(image).digest
  if (digest === undefined) return failed('it does not say which image it was made from')
  if (said && (await said.statManifest(digest, {signal})) === undefined)
    return failed(`the vendor's repository ${said.name} has no image ${digest}`)
  if (digest === own)
    return said
      ? {proven: true, detail: `it is the image of ${said.name} itself`, vendor: digest}
      : failed('it has no slots, and no --vendor says where it must come from')
  const rest = restOf(image)
  if (typeof rest === 'string') return failed(rest)
  if (isRebuilt(rest, digest))
    return {proven: true, detail: `without its slots it is ${digest}, rebuilt`, vendor: digest}
  for await (const store of placesOf(places)) {
    const original = await fetchOriginal(store, digest, signal)
    if (!original) continue
    const why = differenceFromVendor(rest, original)
    return why === undefined
      ? {proven: true, detail: `everything but its slots is that of ${digest}`, vendor: digest}
      : failed(why)
  }
  return failed(`the vendor's image ${digest} is not there to compare with: name it with --vendor`)
}

/** The image without slots, or why it cannot be had. */
function restOf(image: Image): Image | string {
  try {
    return takeSlots(image).rest
  } catch (error) {
    if (!(error instanceof InjectError) || error instanceof NetworkError) throw error
    return `its slots cannot be taken out: ${quoted(error.message, 200)}`
  }
}

function failed(detail: string): ContentProof {
  return {proven: false, detail, vendor: undefined}
}
