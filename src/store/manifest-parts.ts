import {IntegrityError, PreconditionError} from '../errors.js'
import type {ConfigDescriptor, Descriptor} from '../oci/descriptor.js'
import {documentKind} from '../oci/document-kind.js'
import {parseDocument} from '../oci/json.js'
import {manifestMembers} from '../oci/known-members.js'
import {dockerManifest, dockerManifestList, ociIndex, ociManifest} from '../oci/media-type.js'
import {quoted} from '../oci/quoted.js'
import {
  configDescriptorShape,
  descriptorShape,
  faultIn,
  looseShape,
  nullableListShape,
} from '../oci/shape.js'
import type {StoredManifest} from './content-store.js'

/** What a manifest or index needs beside it. */
export interface ManifestParts {
  /** Of an index: manifests and indexes, and what else it lists. */
  readonly children: readonly Descriptor[]
  /** The config and the layers of an image or artifact. */
  readonly blobs: readonly Descriptor[]
}

/**
 * Reads strictly what a copy has to take along. Artifacts are manifests like others. Throws
 * `IntegrityError` for a malformed or ambiguous document and `PreconditionError`
 * (`ERR_INJECT_SCHEMA1`, `ERR_INJECT_MANIFEST_UNKNOWN`) for kinds that cannot be copied.
 */
export function manifestParts({bytes, descriptor}: StoredManifest): ManifestParts {
  const {value} = parseDocument(
    bytes,
    'the manifest',
    manifestMembers,
    'ERR_INJECT_MANIFEST_INVALID',
  )
  const {kind, mediaType} = documentKind(value, descriptor.mediaType)
  switch (kind) {
    case 'image': {
      check(value, imageShape)
      const {config, layers} = value as {
        config: ConfigDescriptor
        layers: readonly Descriptor[] | null
      }
      return {
        children: [],
        blobs: [{...config, mediaType: config.mediaType ?? ''}, ...(layers ?? [])],
      }
    }
    case 'index':
      check(value, indexShape)
      return {
        children: (value as {manifests: readonly Descriptor[] | null}).manifests ?? [],
        blobs: [],
      }
    case 'schema1':
      throw new PreconditionError(
        'ERR_INJECT_SCHEMA1',
        'the manifest is of the schema 1 that registries have given up',
        {hint: 'push the image again with a current tool'},
      )
    case 'unknown':
      throw new PreconditionError(
        'ERR_INJECT_MANIFEST_UNKNOWN',
        `manifest ${descriptor.digest} is of a kind that we do not know: ${quoted(mediaType)}`,
      )
  }
}

/** Whether a descriptor in an index names a manifest by its own claim. */
export function namesManifest({mediaType}: Descriptor): boolean {
  return manifestTypes.includes(mediaType)
}

/**
 * Layers that are to be had elsewhere only, and that nobody may hand on.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md#non-distributable-layers
 */
export function isForeign({mediaType}: Descriptor): boolean {
  return (
    mediaType.startsWith('application/vnd.oci.image.layer.nondistributable.') ||
    mediaType.startsWith('application/vnd.docker.image.rootfs.foreign.')
  )
}

const manifestTypes: readonly string[] = [ociManifest, ociIndex, dockerManifest, dockerManifestList]
const imageShape = looseShape({
  config: configDescriptorShape,
  layers: nullableListShape(descriptorShape),
})
const indexShape = looseShape({manifests: nullableListShape(descriptorShape)})

function check(value: unknown, shape: Parameters<typeof faultIn>[0]): void {
  const fault = faultIn(shape, value)
  if (fault === undefined) return
  throw new IntegrityError('ERR_INJECT_MANIFEST_INVALID', `the manifest is not valid: ${fault}`)
}
