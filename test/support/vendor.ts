import {mkdirSync, readdirSync, utimesSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import type {Descriptor} from '../../src/oci/descriptor.js'
import type {Platform} from '../../src/oci/platform.js'
import {ociIndex, dockerManifestList, type MediaFamily} from '../../src/oci/media-type.js'
import type {ContentStore} from '../../src/store/content-store.js'
import {makeEntry, type PutImage, putImage, type PutLayer} from './put-image.js'
import {tempDir} from './temp-dir.js'

/** The layers of a vendor's image: one that all versions share, and one of its own. */
export function vendorLayers(version: string, ...more: readonly PutLayer[]): readonly PutLayer[] {
  return [
    {entries: [makeEntry('etc/'), makeEntry('etc/os-release')]},
    {entries: [makeEntry('app/'), makeEntry(`app/${version}`)]},
    ...more,
  ]
}

/** Puts a vendor's image under a tag. */
export function putVendor(
  store: ContentStore,
  version: string,
  more: Partial<PutImage> = {},
): Promise<Descriptor> {
  return putImage(store, {layers: vendorLayers(version), tag: 'v1', ...more})
}

export interface VendorIndex {
  readonly family?: MediaFamily
  readonly tag?: string
  /** With what BuildKit says beside each image. */
  readonly attestations?: boolean
}

/** Puts a vendor's index of images for these processors under a tag. */
export async function putVendorIndex(
  store: ContentStore,
  version: string,
  processors: readonly string[],
  {family = 'oci', tag = 'v1', attestations = false}: VendorIndex = {},
): Promise<Descriptor> {
  const manifests: (Descriptor & {platform: Platform; annotations?: object})[] = []
  for (const architecture of processors) {
    const config = {architecture}
    const layers = vendorLayers(`${version}-${architecture}`)
    const image = await putImage(store, {family, config, layers, tag: `tmp-${architecture}`})
    manifests.push({...image, platform: {os: 'linux', architecture}})
  }
  if (attestations) {
    for (const {digest} of [...manifests]) {
      const about = await putImage(store, {layers: vendorLayers(`about ${digest}`), tag: 'tmp'})
      manifests.push({
        ...about,
        platform: {os: 'unknown', architecture: 'unknown'},
        annotations: {
          'vnd.docker.reference.digest': digest,
          'vnd.docker.reference.type': 'attestation-manifest',
        },
      })
    }
  }
  const mediaType = family === 'oci' ? ociIndex : dockerManifestList
  const bytes = Buffer.from(JSON.stringify({schemaVersion: 2, mediaType, manifests}))
  return store.putManifest(bytes, mediaType, {tags: [{tag, from: undefined}]})
}

/** A directory of these files, by their paths; all from one time. */
export async function makeTree(files: Readonly<Record<string, string>>): Promise<string> {
  const tree = join(await tempDir(), 'tree')
  mkdirSync(tree)
  for (const [path, content] of Object.entries(files)) {
    const file = join(tree, path)
    mkdirSync(join(file, '..'), {recursive: true})
    writeFileSync(file, content)
  }
  for (const path of ['', ...readdirSync(tree, {recursive: true, encoding: 'utf8'})])
    utimesSync(join(tree, path), 1_700_000_000, 1_700_000_000)
  return tree
}
