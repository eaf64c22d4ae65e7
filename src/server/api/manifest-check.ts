import * as v from 'valibot'
import {IntegrityError, LimitError} from '../../errors.js'
import type {ConfigDescriptor, Descriptor} from '../../oci/descriptor.js'
import type {Digest} from '../../oci/digest.js'
import {documentKind} from '../../oci/document-kind.js'
import {parseDocument} from '../../oci/json.js'
import {manifestMembers} from '../../oci/known-members.js'
import {
  configDescriptorShape,
  descriptorShape,
  faultIn,
  looseShape,
  nullableListShape,
  textRecordShape,
  textShape,
} from '../../oci/shape.js'
import {Refusal} from '../http/refusal.js'

/** What a registry must know of a manifest or index before it stores it. */
export interface CheckedManifest {
  readonly mediaType: string
  /** Of an image manifest: config and layers, without those that are never distributed. */
  readonly blobs: readonly Descriptor[]
  /** Of an index. */
  readonly manifests: readonly Descriptor[]
  /** Need not be there (yet). */
  readonly subject: Digest | undefined
}

/**
 * Checks a manifest that was sent as `contentType`. Throws `Refusal` (400 `MANIFEST_INVALID`) for a
 * document that is malformed, that two readers could take for different things, or that is of a
 * media type unknown here (schema 1 among them).
 */
export function checkManifest(bytes: Uint8Array, contentType: string | undefined): CheckedManifest {
  try {
    const {value} = parseDocument(
      bytes,
      'the manifest',
      manifestMembers,
      'ERR_INJECT_MANIFEST_INVALID',
    )
    const {kind, mediaType} = documentKind(value, contentType ?? '')
    switch (kind) {
      case 'image': {
        const {config, layers, subject} = shaped(imageShape, value) as ImageManifest
        const blobs = [
          {...config, mediaType: config.mediaType ?? ''},
          ...(layers ?? []).filter(isDistributed),
        ]
        return {mediaType, blobs, manifests: [], subject: subject?.digest}
      }
      case 'index': {
        const {manifests, subject} = shaped(indexShape, value) as ImageIndex
        return {mediaType, blobs: [], manifests: manifests ?? [], subject: subject?.digest}
      }
      case 'schema1':
        throw invalid('the manifest is of schema 1, which is not stored any more')
      case 'unknown':
        throw invalid('the manifest is of an unknown media type')
    }
  } catch (error) {
    if (error instanceof IntegrityError || error instanceof LimitError) {
      throw invalid(error.message, error)
    }
    throw error
  }
}

interface ImageManifest {
  readonly config: ConfigDescriptor
  readonly layers: readonly Descriptor[] | null
  readonly subject?: Descriptor
}

interface ImageIndex {
  readonly manifests: readonly Descriptor[] | null
  readonly subject?: Descriptor
}

const shared = {
  schemaVersion: v.literal(2, 'must be 2'),
  artifactType: v.optional(textShape),
  annotations: v.optional(textRecordShape),
  subject: v.optional(descriptorShape),
}

const imageShape = looseShape({
  ...shared,
  config: configDescriptorShape,
  layers: nullableListShape(descriptorShape),
})

const indexShape = looseShape({...shared, manifests: nullableListShape(descriptorShape)})

function shaped(shape: v.GenericSchema, value: unknown): unknown {
  const fault = faultIn(shape, value)
  if (fault !== undefined) throw invalid(`the manifest is not valid: ${fault}`)
  return value
}

/**
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md#non-distributable-layers These
 * stay where their `urls` say.
 */
function isDistributed({mediaType}: Descriptor): boolean {
  return !/^application\/vnd\.(?:oci\.image\.layer\.nondistributable\.|docker\.image\.rootfs\.foreign\.)/.test(
    mediaType,
  )
}

function invalid(message: string, cause?: unknown): Refusal {
  return new Refusal(400, 'MANIFEST_INVALID', message, {cause})
}
