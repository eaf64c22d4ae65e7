import type {Descriptor} from '../../src/oci/descriptor.js'
import {
  dockerConfig,
  dockerManifest,
  type MediaFamily,
  ociConfig,
  ociManifest,
} from '../../src/oci/media-type.js'
import type {ContentStore} from '../../src/store/content-store.js'
import {streamOf} from '../../src/stream/bytes.js'

export interface Documents {
  readonly family?: MediaFamily
  readonly config: object
  /** Descriptors, sound or not. */
  readonly layers: readonly object[]
  /** Over and above, or instead. */
  readonly members?: object
  /** Without: by its digest only. */
  readonly tag?: string | undefined
}

/** Puts the config and the manifest of an image into a store, whatever they say. */
export async function putDocuments(
  store: ContentStore,
  {family = 'oci', config, layers, members, tag}: Documents,
): Promise<Descriptor> {
  const {digest, size} = await store.putBlob(source(config))
  const [mediaType, configType] =
    family === 'oci' ? [ociManifest, ociConfig] : [dockerManifest, dockerConfig]
  const manifest = {
    schemaVersion: 2,
    mediaType,
    config: {mediaType: configType, digest, size},
    layers,
    ...members,
  }
  const tags = tag === undefined ? [] : [{tag, from: undefined}]
  return store.putManifest(Buffer.from(JSON.stringify(manifest)), mediaType, {tags})
}

/** Puts an image that says no more than it must, tagged `v1`. */
export function putBareImage(
  store: ContentStore,
  layers: readonly object[],
  diffIds: readonly string[],
  members?: object,
): Promise<Descriptor> {
  const rootfs = {type: 'layers', diff_ids: diffIds}
  const config = {os: 'linux', architecture: 'amd64', rootfs}
  return putDocuments(store, {config, layers, tag: 'v1', ...(members && {members})})
}

function source(document: object) {
  return {open: () => streamOf(Buffer.from(JSON.stringify(document)))}
}
