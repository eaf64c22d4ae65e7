import {originOf} from '../image/follow/origin.js'
import type {Image} from '../image/image.js'
import {findSlots} from '../image/slot.js'
import type {Descriptor} from '../oci/descriptor.js'
import {type Digest, digestOf} from '../oci/digest.js'
import {ociConfig, ociManifest} from '../oci/media-type.js'
import {platformOf} from '../oci/platform.js'
import {imageRecord, vendorMaterial} from './provenance.js'
import {encodeStatement, type Statement, statementAbout} from './statement.js'
import {
  inTotoAnnotation,
  provenanceType,
  slotBuildType,
  statementType,
  toolBuilder,
} from './types.js'

/** A document with the descriptor that names it. */
export interface DescribedBytes {
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
}

/** What an index says of one of its images beside it, as BuildKit does. */
export interface IndexAttestation {
  /** The image. */
  readonly subject: Digest
  readonly manifest: DescribedBytes
  /** What the manifest names: its config and its statement. */
  readonly blobs: readonly DescribedBytes[]
}

/** Makes them. */
export type DescribeInIndex = (image: Image) => IndexAttestation

/**
 * The attestation of an image with slots. It depends on the image alone, and on nothing of the run
 * that made it: so an index that has it does not change as long as its images do not, and anyone
 * can make it again and compare.
 * https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md
 */
export function indexAttestation(image: Image): IndexAttestation {
  const subject = image.manifest.descriptor.digest
  const statement = described(statementType, encodeStatement(statementOf(image)))
  const config = described(ociConfig, encode(configOf(statement.descriptor.digest)))
  const annotations = {[inTotoAnnotation]: provenanceType}
  const manifest = described(
    ociManifest,
    encode({
      schemaVersion: 2,
      mediaType: ociManifest,
      config: config.descriptor,
      layers: [{...statement.descriptor, annotations}],
    }),
  )
  return {subject, manifest, blobs: [config, statement]}
}

function statementOf(image: Image): Statement {
  // what an index says of its platform may differ from index to index
  const record = imageRecord({image, platform: platformOf(image.config.value)})
  // a name would depend on where the image is
  const subject = {name: '_', digest: image.manifest.descriptor.digest}
  return statementAbout([subject], provenanceType, {
    buildDefinition: {
      buildType: slotBuildType,
      externalParameters: {slots: findSlots(image).map(({name, path}) => ({name, path}))},
      internalParameters: {images: [record]},
      resolvedDependencies: vendorMaterial(originOf(image)),
    },
    runDetails: {builder: {id: toolBuilder}},
  })
}

/** For programs that take every manifest for an image: one that runs nowhere. */
function configOf(statement: Digest): unknown {
  return {
    architecture: 'unknown',
    os: 'unknown',
    config: {},
    rootfs: {type: 'layers', diff_ids: [statement]},
  }
}

function described(mediaType: string, bytes: Uint8Array): DescribedBytes {
  return {descriptor: {mediaType, digest: digestOf(bytes), size: bytes.length}, bytes}
}

function encode(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value))
}
