import type {Descriptor} from '../oci/descriptor.js'
import {familyOf} from '../oci/manifest.js'
import {ociConfig, ociLayerMediaType, ociManifest} from '../oci/media-type.js'
import {bytesOf, digestLike, textOf, editMembers, setMember} from './text-edit.js'
import type {Image} from './image.js'

/** A manifest and the descriptor that names it. */
type ManifestBytes = Pick<Image['manifest'], 'descriptor' | 'bytes'>

/**
 * The manifest of the image with other layers of the same diff IDs, such as the same ones
 * compressed in another way; `layers` are all of them, base first. The config stays, byte for byte.
 * The same manifest when the layers are the ones it has.
 */
export function replaceLayers({manifest}: Image, layers: readonly Descriptor[]): ManifestBytes {
  const {descriptor, bytes, value} = manifest
  if (value.layers.every((layer, at) => layer === layers[at])) return {descriptor, bytes}
  return edited(manifest, setMember(textOf(manifest), ['layers'], layers), descriptor.mediaType)
}

/**
 * The same, of OCI's format: that of a Docker image with OCI's media types in place of Docker's.
 */
export function replaceLayersAsOci(image: Image, layers: readonly Descriptor[]): ManifestBytes {
  const {manifest} = image
  if (familyOf(manifest.value, manifest.descriptor.mediaType) === 'oci')
    return replaceLayers(image, layers)
  const converted = layers.map((layer) => ({
    ...layer,
    mediaType: ociLayerMediaType(layer.mediaType),
  }))
  const text = editMembers(textOf(manifest), [
    {kind: 'set', path: ['mediaType'], value: ociManifest},
    {kind: 'set', path: ['config', 'mediaType'], value: ociConfig},
    {kind: 'set', path: ['layers'], value: converted},
  ])
  return edited(manifest, text, ociManifest)
}

function edited(manifest: Image['manifest'], text: string, mediaType: string): ManifestBytes {
  const bytes = bytesOf(text)
  return {descriptor: {mediaType, digest: digestLike(manifest, bytes), size: bytes.length}, bytes}
}
