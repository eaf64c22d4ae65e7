import {baseDigest, baseName, runNote} from '../../oci/annotation.js'
import type {Descriptor} from '../../oci/descriptor.js'
import type {Digest} from '../../oci/digest.js'
import {attestationEntry, type ImageIndex} from '../../oci/image-index.js'
import {ociIndex} from '../../oci/media-type.js'
import {platformOf} from '../../oci/platform.js'
import type {Encoded, Image} from '../image.js'
import {encodeIndex} from './index-tree.js'

/** What an index of a single image says beside it. */
export interface Wrapping {
  readonly attestation: Descriptor
  /** What the image was made from, as far as it says so. */
  readonly origin: {readonly digest: Digest | undefined; readonly name: string | undefined}
  /** Of the run that makes the index, see `RunNote`. */
  readonly note: string | undefined
}

/** An index of a single image and our attestation of it. */
export function wrapImage(
  image: Image,
  {attestation, origin, note}: Wrapping,
): Encoded<ImageIndex> {
  const {mediaType, digest, size} = image.manifest.descriptor
  const {os, architecture, ...rest} = platformOf(image.config.value)
  const annotations = {
    ...(origin.digest !== undefined && {[baseDigest]: origin.digest}),
    ...(origin.digest !== undefined && origin.name !== undefined && {[baseName]: origin.name}),
    ...(note !== undefined && {[runNote]: note}),
  }
  const index = {
    schemaVersion: 2,
    mediaType: ociIndex,
    manifests: [
      {mediaType, digest, size, platform: {architecture, os, ...rest}},
      attestationEntry(digest, attestation),
    ],
    ...(Object.keys(annotations).length > 0 && {annotations}),
  }
  return encodeIndex(JSON.stringify(index), {...image.manifest.descriptor, mediaType: ociIndex})
}
