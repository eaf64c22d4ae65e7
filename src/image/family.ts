import {PreconditionError} from '../errors.js'
import type {Descriptor} from '../oci/descriptor.js'
import {familyOf} from '../oci/manifest.js'
import {
  familyOfMediaType,
  isEncryptedLayer,
  layerCompression,
  type NewLayerCompression,
  layerMediaType,
} from '../oci/media-type.js'
import {quoted} from '../oci/quoted.js'
import type {Image} from './image.js'
import type {Slot} from './slot.js'

/**
 * Throws `PreconditionError` (`ERR_INJECT_MIXED_FAMILIES`) when an image's config or one of its
 * layers is of the other family of media types than its manifest: readers do not agree on what that
 * is. Types of neither family are left alone.
 */
export function checkFamily({manifest}: Image): void {
  const {value, descriptor} = manifest
  const family = familyOf(value, descriptor.mediaType)
  const parts = [value.config, ...value.layers]
  const position = parts.findIndex(({mediaType}) => {
    const own = familyOfMediaType(mediaType)
    return own !== undefined && own !== family
  })
  const found = parts[position]?.mediaType
  if (found === undefined) return
  const what = position === 0 ? 'its config' : `layer ${position} of ${value.layers.length}`
  throw new PreconditionError(
    'ERR_INJECT_MIXED_FAMILIES',
    `the image mixes Docker's media types with OCI's: the manifest is ${names[family]}, ${what} is ${quoted(found)}`,
    {hint: 'inject setup --to-oci (or update) makes all of them OCI types'},
  )
}

/**
 * Throws `PreconditionError` (`ERR_INJECT_SLOT_ENCRYPTED`) for a slot whose content is encrypted:
 * it would be replaced by what everybody can read.
 */
export function checkPlain(slot: Slot | undefined): void {
  const encrypted = slot?.layers.find(({descriptor}) => isEncryptedLayer(descriptor.mediaType))
  if (!slot || !encrypted) return
  throw new PreconditionError(
    'ERR_INJECT_SLOT_ENCRYPTED',
    `the layer of slot ${slot.name} is encrypted, and what replaces it would not be: ${encrypted.descriptor.mediaType}`,
    {hint: 'inject remove takes the slot out, or use another --name'},
  )
}

/**
 * The media type of a new layer of an image, of its family. Throws `PreconditionError`
 * (`ERR_INJECT_ZSTD_IN_DOCKER`) for zstd in an image of Docker's format, which has no name for it.
 */
export function newLayerType({manifest}: Image, compression: NewLayerCompression = 'gzip'): string {
  const family = familyOf(manifest.value, manifest.descriptor.mediaType)
  const isZstd = compression === 'zstd' || compression === 'zstd:chunked'
  if (family === 'oci' || !isZstd) return layerMediaType(family, compression)
  throw new PreconditionError(
    'ERR_INJECT_ZSTD_IN_DOCKER',
    "the image is in Docker's format, which has no layers compressed with zstd",
    {hint: '--to-oci makes it an OCI image, or stay with gzip'},
  )
}

/**
 * The descriptor of a layer as an image of this family has it: the same one if its media type is of
 * that family already. Throws what `newLayerType` throws.
 */
export function inFamilyOf(image: Image, descriptor: Descriptor): Descriptor {
  const {mediaType, digest, size} = descriptor
  const family = familyOf(image.manifest.value, image.manifest.descriptor.mediaType)
  if (familyOfMediaType(mediaType) === family) return descriptor
  return {mediaType: newLayerType(image, layerCompression(mediaType)), digest, size}
}

const names = {docker: "Docker's", oci: "OCI's"} as const
