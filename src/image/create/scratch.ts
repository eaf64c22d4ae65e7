import type {Descriptor} from '../../oci/descriptor.js'
import {digestOf} from '../../oci/digest.js'
import {ociConfig, ociIndex, ociManifest} from '../../oci/media-type.js'
import type {Platform} from '../../oci/platform.js'
import {bytesOf} from '../text-edit.js'

/** A document as it will be stored. */
export interface PlainDocument {
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
}

/** Images with nothing in them, which content can be put into. */
export interface Scratch {
  /** The only image, or the index of several. */
  readonly outermost: PlainDocument
  /** Those that are in the index. */
  readonly manifests: readonly PlainDocument[]
  readonly configs: readonly PlainDocument[]
}

/**
 * An image without layers for each platform: a single image for one platform, else an index. It
 * depends on the platforms only.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md#properties
 */
export function scratch(platforms: readonly Platform[]): Scratch {
  const images = platforms.map((platform) => {
    const rootfs = {type: 'layers', diff_ids: []}
    const config = plain({...platform, config: {}, rootfs, history: []}, ociConfig)
    const manifest = plain(
      {schemaVersion: 2, mediaType: ociManifest, config: config.descriptor, layers: []},
      ociManifest,
    )
    return {platform, config, manifest}
  })
  const configs = images.map(({config}) => config)
  const [only, ...others] = images
  if (only && others.length === 0) return {outermost: only.manifest, manifests: [], configs}
  const entries = images.map(({platform, manifest}) => ({...manifest.descriptor, platform}))
  const index = {schemaVersion: 2, mediaType: ociIndex, manifests: entries}
  return {
    outermost: plain(index, ociIndex),
    manifests: images.map(({manifest}) => manifest),
    configs,
  }
}

/** A new document, whose members come in the order of `value`. */
export function plain(value: object, mediaType: string): PlainDocument {
  const bytes = bytesOf(JSON.stringify(value))
  return {descriptor: {mediaType, digest: digestOf(bytes), size: bytes.length}, bytes}
}
