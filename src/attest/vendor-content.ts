import {isDeepStrictEqual} from 'node:util'
import {isSameImage} from '../image/eject.js'
import {editedImage} from '../image/edited-image.js'
import type {Image} from '../image/image.js'
import {bytesOf, configDescriptorEdits, editMembers, textOf} from '../image/text-edit.js'
import {setOrRemove} from '../image/config-edits.js'
import {toOci} from '../image/to-oci.js'
import type {Digest} from '../oci/digest.js'
import type {Manifest} from '../oci/manifest.js'

/**
 * Whether an image that slots were taken out of is the manifest with this digest again, byte for
 * byte. A slot also moves the time of the config, and records no earlier one: the times that the
 * vendor can have written are tried, which are that of the last step, or none.
 */
export function isRebuilt(rest: Image, digest: Digest): boolean {
  if (rest.manifest.descriptor.digest === digest) return true
  const last = rest.config.value.history?.at(-1)?.created
  const times = new Set([last, undefined])
  return [...times].some((time) => withTime(rest, time).manifest.descriptor.digest === digest)
}

function withTime(image: Image, created: string | undefined): Image {
  const config = bytesOf(editMembers(textOf(image.config), [setOrRemove(['created'], created)]))
  const edits = configDescriptorEdits(image.config, config)
  return editedImage(image, {
    manifest: bytesOf(editMembers(textOf(image.manifest), edits)),
    config,
  })
}

/**
 * How an image that slots were taken out of differs from the vendor's, one clause; `undefined` if
 * only the time of its config does. Layers are compared by their digests as they are stored.
 */
export function differenceFromVendor(rest: Image, vendor: Image): string | undefined {
  const isConverted =
    rest.manifest.descriptor.mediaType !== vendor.manifest.descriptor.mediaType
  const original = isConverted ? toOci(vendor) : vendor
  const [own, theirs] = [rest, original].map(({manifest}) => manifest.value)
  if (!own || !theirs) throw new TypeError('two images are compared')
  if (own.layers.length !== theirs.layers.length)
    return `it has ${own.layers.length} layers beside its slots, and the vendor's has ${theirs.layers.length}`
  const changed = own.layers.findIndex(({digest}, at) => digest !== theirs.layers[at]?.digest)
  if (changed >= 0) return `layer ${changed + 1} is not the vendor's`
  if (!isDeepStrictEqual(essence(own), essence(theirs)))
    return "its manifest differs from the vendor's in more than its slots"
  if (!isSameImage(rest, original))
    return "its config differs from the vendor's in more than its slots"
  return undefined
}

/** A manifest without what follows from its config, and without what is empty. */
function essence({config, annotations = {}, ...manifest}: Manifest): unknown {
  return {
    ...manifest,
    config: {...config, digest: '', size: 0, data: ''},
    annotations: new Map(Object.entries(annotations)),
    mediaType: '',
  }
}
