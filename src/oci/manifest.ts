import * as v from 'valibot'
import {IntegrityError, PreconditionError} from '../errors.js'
import type {Descriptor} from './descriptor.js'
import {documentKind, type DocumentKind} from './document-kind.js'
import {parseDocument} from './json.js'
import {manifestMembers} from './known-members.js'
import {
  dockerConfig,
  dockerManifest,
  isGeneralMediaType,
  layerCompression,
  type MediaFamily,
  ociConfig,
} from './media-type.js'
import {quoted} from './quoted.js'
import {
  configDescriptorShape,
  descriptorShape,
  faultIn,
  looseShape,
  nullableListShape,
  textRecordShape,
  textShape,
} from './shape.js'

/**
 * An image manifest, OCI's or Docker's schema 2. Members we do not know are there too, unchecked.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md
 */
export interface Manifest {
  readonly schemaVersion: 2
  /** Absent in documents of OCI 1.0; then anyone who serves the document says what it is. */
  readonly mediaType?: string
  readonly config: Descriptor
  /** Base first. */
  readonly layers: readonly Descriptor[]
  readonly annotations?: Readonly<Record<string, string>>
  readonly [member: string]: unknown
}

/**
 * Decodes and checks an image manifest that was served as `mediaType`. Throws `PreconditionError`
 * for what is sound but no single image (`ERR_INJECT_SCHEMA1`, `ERR_INJECT_INDEX_UNSUPPORTED`,
 * `ERR_INJECT_NOT_AN_IMAGE`), `IntegrityError` for what is malformed
 * (`ERR_INJECT_MANIFEST_INVALID`, `ERR_INJECT_AMBIGUOUS_DOCUMENT`, `ERR_INJECT_DUPLICATE_KEY`),
 * `LimitError` as `parseDocument` does.
 */
export function decodeManifest(bytes: Uint8Array, mediaType: string): Manifest {
  const {value} = parseDocument(
    bytes,
    'the manifest',
    manifestMembers,
    'ERR_INJECT_MANIFEST_INVALID',
  )
  return asManifest(value, documentKind(value, mediaType))
}

/** The manifest that a parsed document is. Throws what `decodeManifest` throws for other kinds. */
export function asManifest(
  value: Readonly<Record<string, unknown>>,
  {kind, mediaType}: DocumentKind,
): Manifest {
  switch (kind) {
    case 'image':
      return checkImage(value)
    case 'index':
      throw new PreconditionError(
        'ERR_INJECT_INDEX_UNSUPPORTED',
        'the reference names an image index, not a single image',
        {hint: 'name the image of one platform by its digest'},
      )
    case 'schema1':
      throw new PreconditionError(
        'ERR_INJECT_SCHEMA1',
        'the manifest is of the schema 1 that registries have given up',
        {hint: 'push the image again with a current tool'},
      )
    case 'unknown':
      throw notAnImage(`is of media type ${quoted(mediaType)}`)
  }
}

/**
 * The media type of a decoded manifest: its own, else the one it was served as. A generic type such
 * as `application/json` on the way says nothing, which is why the type that was served is not
 * simply kept.
 */
export function manifestMediaType(manifest: Manifest, served: string): string {
  return documentKind(manifest, served).mediaType
}

/** Which family of media types the parts of an image belong to; a new layer must be of the same. */
export function familyOf(manifest: Manifest, served: string): MediaFamily {
  return manifestMediaType(manifest, served) === dockerManifest ? 'docker' : 'oci'
}

const manifestShape = looseShape({
  schemaVersion: v.literal(2, 'must be 2'),
  mediaType: v.optional(textShape),
  artifactType: v.optional(textShape),
  config: configDescriptorShape,
  layers: nullableListShape(descriptorShape),
  annotations: v.optional(textRecordShape),
})

const imageConfigs: readonly string[] = [ociConfig, dockerConfig]

function checkImage(value: Readonly<Record<string, unknown>>): Manifest {
  const fault = faultIn(manifestShape, value)
  if (fault !== undefined) {
    throw new IntegrityError('ERR_INJECT_MANIFEST_INVALID', `the manifest is not valid: ${fault}`)
  }
  const config = {mediaType: '', ...(value['config'] as Partial<Descriptor>)}
  const manifest = {...value, config, layers: value['layers'] ?? []} as unknown as Manifest
  if (typeof manifest['artifactType'] === 'string') {
    throw notAnImage(`is an artifact of type ${quoted(manifest['artifactType'])}`)
  }
  if (!hasNamedConfig(manifest) && !mayHaveImageConfig(manifest)) {
    throw notAnImage(`has a config of media type ${quoted(manifest.config.mediaType)}`)
  }
  return manifest
}

/** Whether a manifest says that its config is that of an image. */
export function hasNamedConfig({config}: Manifest): boolean {
  return imageConfigs.includes(config.mediaType)
}

/** As Docker takes it: then it is the layers that tell, and the config itself. */
function mayHaveImageConfig({config, layers}: Manifest): boolean {
  if (!isGeneralMediaType(config.mediaType) || layers.length === 0) return false
  return layers.every(({mediaType}) => layerCompression(mediaType) !== undefined)
}

/** For a manifest that is sound and stands for something else. */
export function notAnImage(why: string, cause?: unknown): PreconditionError {
  return new PreconditionError('ERR_INJECT_NOT_AN_IMAGE', `the manifest ${why}: not an image`, {
    hint: 'injection works on container images only',
    cause,
  })
}
