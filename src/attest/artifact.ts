import {digestOf} from '../oci/digest.js'
import type {Descriptor} from '../oci/descriptor.js'
import {ociManifest} from '../oci/media-type.js'
import {emptyType} from './types.js'

/** The config of every artifact. */
export const emptyConfig = Buffer.from('{}')

/** A manifest that refers to an image. */
export interface Artifact {
  readonly descriptor: Descriptor & {readonly artifactType: string}
  readonly bytes: Uint8Array
}

/**
 * A manifest that refers to `subject` and carries one blob. Equal arguments give equal bytes.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md#guidelines-for-artifact-usage
 */
export function encodeArtifact(
  {mediaType, digest, size}: Descriptor,
  blob: Descriptor,
  annotations: Readonly<Record<string, string>>,
): Artifact {
  const artifactType = blob.mediaType
  const config = {mediaType: emptyType, digest: digestOf(emptyConfig), size: emptyConfig.length}
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: ociManifest,
      artifactType,
      config,
      layers: [blob],
      subject: {mediaType, digest, size},
      annotations,
    }),
  )
  const own = {mediaType: ociManifest, digest: digestOf(bytes), size: bytes.length}
  return {descriptor: {...own, annotations, artifactType}, bytes}
}
