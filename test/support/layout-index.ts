import {packLayer} from '../../src/layer/pack/pack.js'
import type {Digest} from '../../src/oci/digest.js'
import {
  dockerManifestList,
  layerMediaType,
  type MediaFamily,
  ociIndex,
} from '../../src/oci/media-type.js'
import {parsePlatform, type Platform} from '../../src/oci/platform.js'
import type {ContentStore} from '../../src/store/content-store.js'
import {bytesSource} from './layout-image.js'
import {putDocuments} from './put-documents.js'

interface Entry {
  readonly mediaType: string
  readonly digest: Digest
  readonly size: number
  readonly platform?: Platform
  readonly annotations?: Readonly<Record<string, string>>
}

export interface IndexImages {
  readonly family?: MediaFamily
  /** As users write them. */
  readonly platforms: readonly string[]
  /** One beside each image, as BuildKit makes them. */
  readonly attestations?: boolean
  /** These in an index of their own below the outer one. */
  readonly nested?: readonly string[]
}

/**
 * Puts an index of small images, each with one layer of its own, into a store as `v1`. Returns the
 * entries.
 */
export async function putIndex(
  store: ContentStore,
  {family = 'oci', platforms, attestations = false, nested = []}: IndexImages,
): Promise<readonly Entry[]> {
  const entries: Entry[] = []
  for (const text of platforms) entries.push(await putImage(store, family, parsePlatform(text)))
  const about: Entry[] = []
  if (attestations) for (const entry of entries) about.push(await putAttestation(store, entry))
  const below: Entry[] = []
  for (const text of nested) below.push(await putImage(store, family, parsePlatform(text)))
  const inner = below.length === 0 ? [] : [await putIndexOf(store, family, below)]
  const all = [...entries, ...about, ...inner]
  await putIndexOf(store, family, all, 'v1')
  return all
}

async function putIndexOf(
  store: ContentStore,
  family: MediaFamily,
  manifests: readonly Entry[],
  tag?: string,
): Promise<Entry> {
  const mediaType = family === 'oci' ? ociIndex : dockerManifestList
  const bytes = Buffer.from(JSON.stringify({schemaVersion: 2, mediaType, manifests}, null, 2))
  const tags = tag === undefined ? [] : [{tag, from: undefined}]
  const {digest, size} = await store.putManifest(bytes, mediaType, {tags})
  return {mediaType, digest, size}
}

async function putImage(
  store: ContentStore,
  family: MediaFamily,
  platform: Platform,
): Promise<Entry> {
  const {architecture, variant = ''} = platform
  const layer = packLayer(() => [
    {
      entry: {
        kind: 'directory',
        path: `base-${architecture}${variant}`,
        mode: 0o755,
        uid: 0,
        gid: 0,
        mtime: 0,
        xattrs: undefined,
      },
    },
  ])
  const {digest, size} = await store.putBlob(layer)
  const config = {
    created: '2024-01-01T00:00:00Z',
    ...platform,
    config: {Cmd: ['sh'], Env: ['PATH=/bin']},
    rootfs: {type: 'layers', diff_ids: [layer.content().diffId]},
    history: [{created: '2024-01-01T00:00:00Z', created_by: 'base'}],
  }
  const layers = [{mediaType: layerMediaType(family, 'gzip'), digest, size}]
  return {...(await putDocuments(store, {family, config, layers})), platform}
}

/** https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md */
async function putAttestation(store: ContentStore, about: Entry): Promise<Entry> {
  const statement = bytesSource(Buffer.from('{"_type":"statement"}'))
  const {digest, size} = await store.putBlob(statement)
  const entry = await putDocuments(store, {
    config: {
      architecture: 'unknown',
      os: 'unknown',
      rootfs: {type: 'layers', diff_ids: []},
      about: about.digest,
    },
    layers: [{mediaType: 'application/vnd.in-toto+json', digest, size}],
  })
  return {
    ...entry,
    platform: {os: 'unknown', architecture: 'unknown'},
    annotations: {
      'vnd.docker.reference.digest': about.digest,
      'vnd.docker.reference.type': 'attestation-manifest',
    },
  }
}
