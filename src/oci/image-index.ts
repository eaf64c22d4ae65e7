import * as v from 'valibot'
import {IntegrityError, PreconditionError} from '../errors.js'
import {attestationForm, ownAttestation} from './annotation.js'
import type {Descriptor} from './descriptor.js'
import type {Digest} from './digest.js'
import {documentKind} from './document-kind.js'
import {parseDocument} from './json.js'
import {manifestMembers} from './known-members.js'
import {dockerManifest, dockerManifestList, ociIndex, ociManifest} from './media-type.js'
import {type Platform, withoutEmpty} from './platform.js'
import {
  descriptorShape,
  faultIn,
  nullableListShape,
  looseShape,
  textRecordShape,
  textShape,
} from './shape.js'

/** One entry of an index. */
export interface IndexEntry extends Descriptor {
  /** Absent where the image's own config has to tell. */
  readonly platform?: Platform
}

/**
 * An image index, OCI's or Docker's manifest list. Members we do not know are there too, unchecked.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md
 */
export interface ImageIndex {
  readonly schemaVersion: 2
  readonly mediaType?: string
  readonly manifests: readonly IndexEntry[]
  readonly annotations?: Readonly<Record<string, string>>
  readonly [member: string]: unknown
}

/**
 * Decodes and checks an index that was served as `mediaType`. Throws `IntegrityError`
 * (`ERR_INJECT_INDEX_INVALID`, and what `documentKind` throws) for what is malformed,
 * `PreconditionError` (`ERR_INJECT_NOT_AN_INDEX`) for another kind of document, `LimitError` as
 * `parseDocument` does.
 */
export function decodeIndex(bytes: Uint8Array, mediaType: string): ImageIndex {
  const {value} = parseDocument(
    bytes,
    'the image index',
    manifestMembers,
    'ERR_INJECT_INDEX_INVALID',
  )
  const {kind} = documentKind(value, mediaType)
  if (kind !== 'index') {
    throw new PreconditionError('ERR_INJECT_NOT_AN_INDEX', 'the document is not an image index')
  }
  return asIndex(value)
}

/** The index that a parsed document of that kind is. Throws `ERR_INJECT_INDEX_INVALID`. */
export function asIndex(value: Readonly<Record<string, unknown>>): ImageIndex {
  const fault = faultIn(indexShape, value)
  if (fault !== undefined)
    throw new IntegrityError('ERR_INJECT_INDEX_INVALID', `the image index is not valid: ${fault}`)
  const manifests = (value['manifests'] ?? []) as readonly RawEntry[]
  return {...value, manifests: manifests.map(withPlainPlatform)} as unknown as ImageIndex
}

type RawEntry = Omit<IndexEntry, 'platform'> & {readonly platform?: Partial<Platform>}

/**
 * A platform without a system or a processor counts as absent, and so does an empty variant: as
 * Go's zero values do.
 */
function withPlainPlatform({platform, ...entry}: RawEntry): RawEntry {
  if (!platform?.os || !platform.architecture) return entry
  return {...entry, platform: withoutEmpty(platform)}
}

/** The media type of a decoded index: its own, else the one it was served as. */
export function indexMediaType(index: ImageIndex, served: string): string {
  return documentKind(index, served).mediaType
}

/**
 * What an entry of an index is. `attestation`: what BuildKit says about an image beside it.
 * `other`: no image, of whatever kind.
 */
export type EntryKind = 'image' | 'index' | 'attestation' | 'other'

/** https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md */
export function entryKind({mediaType, annotations, ...entry}: IndexEntry): EntryKind {
  if (mediaType === ociIndex || mediaType === dockerManifestList) return 'index'
  if (mediaType !== ociManifest && mediaType !== dockerManifest) return 'other'
  if (annotations && Object.hasOwn(annotations, attestationType)) return 'attestation'
  // what is of an artifact type is an artifact, whatever its manifest's media type
  return 'artifactType' in entry && typeof entry.artifactType === 'string' ? 'other' : 'image'
}

/** The digest of the image that an attestation is about; `undefined` for any other entry. */
export function attested({annotations}: IndexEntry): string | undefined {
  if (!annotations || !Object.hasOwn(annotations, attestationType)) return undefined
  return annotations[attestationSubject]
}

/** Whether an entry is an attestation as `inject` writes them, of this version or another one. */
export function isOwnAttestation(entry: IndexEntry): boolean {
  return attested(entry) !== undefined && Object.hasOwn(entry.annotations ?? {}, attestationForm)
}

/** The entry of an attestation that `inject` makes, about the image with this digest. */
export function attestationEntry(
  image: Digest,
  {mediaType, digest, size}: Descriptor,
): IndexEntry & {readonly annotations: Readonly<Record<string, string>>} {
  return {
    ...{mediaType, digest, size},
    annotations: {
      [attestationSubject]: image,
      [attestationType]: 'attestation-manifest',
      [attestationForm]: ownAttestation,
    },
    // so that no client takes it for an image that it can run
    platform: {architecture: 'unknown', os: 'unknown'},
  }
}

const attestationType = 'vnd.docker.reference.type'
const attestationSubject = 'vnd.docker.reference.digest'

const indexShape = looseShape({
  schemaVersion: v.literal(2, 'must be 2'),
  mediaType: v.optional(textShape),
  manifests: nullableListShape(
    v.intersect([
      descriptorShape,
      looseShape({
        platform: v.optional(
          looseShape({
            os: v.optional(textShape),
            architecture: v.optional(textShape),
            variant: v.optional(textShape),
            'os.version': v.optional(textShape),
          }),
        ),
      }),
    ]),
  ),
  annotations: v.optional(textRecordShape),
})
