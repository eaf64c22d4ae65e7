import type {Encoded} from '../../src/image/image.js'
import type {IndexTree} from '../../src/image/index/index-tree.js'
import {digestOf, type DigestAlgorithm} from '../../src/oci/digest.js'
import {decodeIndex, type ImageIndex, type IndexEntry} from '../../src/oci/image-index.js'
import {
  dockerManifestList,
  type MediaFamily,
  ociIndex,
  ociManifest,
} from '../../src/oci/media-type.js'
import {encode} from './images.js'

/** An entry whose content nobody can fetch: its digest is that of its name. */
export function makeEntry(name: string, members: Partial<IndexEntry> = {}): IndexEntry {
  return {
    mediaType: ociManifest,
    digest: digestOf(encode(name)),
    size: 400 + name.length,
    platform: {os: 'linux', architecture: name},
    ...members,
  }
}

/** What BuildKit puts beside an image. */
export function makeAttestation(about: IndexEntry): IndexEntry {
  return makeEntry(`attestation of ${about.digest}`, {
    platform: {os: 'unknown', architecture: 'unknown'},
    annotations: {
      'vnd.docker.reference.digest': about.digest,
      'vnd.docker.reference.type': 'attestation-manifest',
    },
  })
}

export interface IndexRecipe {
  readonly family?: MediaFamily
  readonly algorithm?: DigestAlgorithm
  /** As `JSON.stringify` takes it. */
  readonly indent?: number | string
  readonly members?: Readonly<Record<string, unknown>>
}

export function makeIndex(
  manifests: readonly IndexEntry[],
  {family = 'oci', algorithm, indent, members}: IndexRecipe = {},
): Encoded<ImageIndex> {
  const mediaType = family === 'oci' ? ociIndex : dockerManifestList
  const bytes = encode(
    JSON.stringify({schemaVersion: 2, mediaType, manifests, ...members}, null, indent),
  )
  return {
    descriptor: {mediaType, digest: digestOf(bytes, algorithm), size: bytes.length},
    bytes,
    value: decodeIndex(bytes, mediaType),
  }
}

/** Nested indexes become entries of the outer one, after its images. */
export function makeTree(
  entries: readonly IndexEntry[],
  nested: readonly IndexTree[] = [],
  recipe: IndexRecipe = {},
): IndexTree {
  const below = new Map(nested.map((tree) => [tree.index.descriptor.digest, tree] as const))
  const inner = nested.map(({index}) => index.descriptor)
  return {index: makeIndex([...entries, ...inner], recipe), below}
}
