import type {ImageIndex} from '../oci/image-index.js'
import {familyOf} from '../oci/manifest.js'
import {
  dockerManifestList,
  ociConfig,
  ociIndex,
  ociLayerMediaType,
  ociManifest,
} from '../oci/media-type.js'
import {
  bytesOf,
  textOf,
  editMembers,
  type JsonPath,
  type MemberEdit,
  setMember,
} from './text-edit.js'
import {checkFamily} from './family.js'
import {editedImage} from './edited-image.js'
import type {Encoded, Image} from './image.js'

/**
 * The image with OCI's media types in place of Docker's: of the manifest, its config and its
 * layers. No blob is touched, all else keeps its bytes; the same image when it is OCI's throughout.
 * Throws what `checkFamily` throws for a layer of Docker's that OCI has no name for.
 */
export function toOci(image: Image): Image {
  const {manifest, config} = image
  const {value} = manifest
  const before = textOf(manifest)
  // an OCI manifest need not name itself, and one that does not stays as it is
  const isNamed = value.mediaType !== undefined || isDocker(image)
  const set = (path: JsonPath, type: string): MemberEdit => ({kind: 'set', path, value: type})
  const text = editMembers(before, [
    ...(isNamed ? [set(['mediaType'], ociManifest)] : []),
    set(['config', 'mediaType'], ociConfig),
    ...value.layers.map(({mediaType}, position) =>
      set(['layers', position, 'mediaType'], ociLayerMediaType(mediaType)),
    ),
  ])
  if (text === before) return image
  const documents = {manifest: bytesOf(text), config: config.bytes, mediaType: ociManifest}
  const converted = editedImage(image, documents)
  checkFamily(converted)
  return converted
}

/**
 * The text of a manifest list as that of an OCI index: its entries are not looked at. Any other
 * index as it is.
 */
export function toOciIndexText(text: string, {descriptor}: Encoded<ImageIndex>): string {
  if (descriptor.mediaType !== dockerManifestList) return text
  return setMember(text, ['mediaType'], ociIndex)
}

function isDocker({manifest: {value, descriptor}}: Image): boolean {
  return familyOf(value, descriptor.mediaType) === 'docker'
}
