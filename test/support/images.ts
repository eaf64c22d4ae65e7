import {decodeImage, encodedManifest, type Image, type Layer} from '../../src/image/image.js'
import type {Descriptor} from '../../src/oci/descriptor.js'
import {digestOf, type DigestAlgorithm} from '../../src/oci/digest.js'
import {
  dockerConfig,
  dockerManifest,
  layerMediaType,
  type MediaFamily,
  ociConfig,
  ociManifest,
} from '../../src/oci/media-type.js'

/**
 * What to make; everything has a default: an OCI image of two layers with a full history and no
 * labels.
 */
export interface ImageRecipe {
  readonly family?: MediaFamily
  /** How many base layers, or which. */
  readonly layers?: number | readonly Layer[]
  /** `null` is written as such; a record goes into `config.Labels`. */
  readonly labels?: Readonly<Record<string, string>> | null
  /** Absent unless given, as OCI tools leave it. */
  readonly containerConfig?: Readonly<Record<string, unknown>> | null
  /** Default: one entry for each layer and an empty one. `undefined` leaves it out. */
  readonly history?: readonly Readonly<Record<string, unknown>>[] | null | undefined
  readonly created?: string | null | undefined
  /** Members over and above, or instead, of the manifest and of the config. */
  readonly manifestMembers?: Readonly<Record<string, unknown>>
  readonly configMembers?: Readonly<Record<string, unknown>>
  readonly algorithm?: DigestAlgorithm
  /** As `JSON.stringify` takes it. */
  readonly indent?: number | string
}

export interface ImageDocuments {
  readonly manifest: {readonly descriptor: Descriptor; readonly bytes: Uint8Array}
  readonly configBytes: Uint8Array
}

/** A layer that nobody can fetch: its digests are those of its name. */
export function makeLayer(
  name: string,
  family: MediaFamily = 'oci',
  algorithm?: DigestAlgorithm,
): Layer {
  return {
    diffId: digestOf(encode(`tar of ${name}`), algorithm),
    descriptor: {
      mediaType: layerMediaType(family, 'gzip'),
      digest: digestOf(encode(`gzip of ${name}`), algorithm),
      size: 100 + name.length,
    },
  }
}

/** The documents of an image as a store would give them, sound or not. */
export function makeDocuments(recipe: ImageRecipe = {}): ImageDocuments {
  const {family = 'oci', algorithm, indent, labels, containerConfig} = recipe
  const layers = layersOf(recipe)
  const history =
    'history' in recipe
      ? recipe.history
      : [
          ...layers.map((_, index) => ({created: oldest, created_by: `step ${index}`})),
          {created: oldest, created_by: 'CMD', empty_layer: true},
        ]
  const created = 'created' in recipe ? recipe.created : oldest
  const config = {
    architecture: 'amd64',
    os: 'linux',
    created,
    config: {Env: ['PATH=/bin'], Cmd: ['sh'], ...(labels !== undefined && {Labels: labels})},
    ...(containerConfig !== undefined && {container_config: containerConfig}),
    rootfs: {type: 'layers', diff_ids: layers.map(({diffId}) => diffId)},
    history,
    ...recipe.configMembers,
  }
  const configBytes = encode(JSON.stringify(config, null, indent))
  const mediaType = family === 'docker' ? dockerManifest : ociManifest
  const manifest = {
    schemaVersion: 2,
    mediaType,
    config: {
      mediaType: family === 'docker' ? dockerConfig : ociConfig,
      digest: digestOf(configBytes, algorithm),
      size: configBytes.length,
    },
    layers: layers.map(({descriptor}) => descriptor),
    ...recipe.manifestMembers,
  }
  return {
    manifest: stored(encode(JSON.stringify(manifest, null, indent)), mediaType, algorithm),
    configBytes,
  }
}

/** A sound image; throws where `decodeImage` does. */
export function makeImage(recipe: ImageRecipe = {}): Image {
  const {manifest, configBytes} = makeDocuments(recipe)
  return decodeImage(encodedManifest(manifest), configBytes)
}

/** An image of these very texts; the manifest's `CONFIG_DIGEST` and `CONFIG_SIZE` are filled in. */
export function imageOfTexts(
  manifestText: string,
  configText: string,
  mediaType = ociManifest,
): Image {
  const configBytes = encode(configText)
  const text = manifestText
    .replace('CONFIG_DIGEST', digestOf(configBytes))
    .replace('"CONFIG_SIZE"', String(configBytes.length))
  return decodeImage(encodedManifest(stored(encode(text), mediaType)), configBytes)
}

/** Bytes with the descriptor that names them. */
export function stored(
  bytes: Uint8Array,
  mediaType: string,
  algorithm?: DigestAlgorithm,
): ImageDocuments['manifest'] {
  return {descriptor: {mediaType, digest: digestOf(bytes, algorithm), size: bytes.length}, bytes}
}

export function textOf({bytes}: {readonly bytes: Uint8Array}): string {
  return new TextDecoder().decode(bytes)
}

export function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

const oldest = '2020-01-01T00:00:00Z'

function layersOf({layers = 2, family, algorithm}: ImageRecipe): readonly Layer[] {
  if (typeof layers !== 'number') return layers
  return Array.from({length: layers}, (_, index) => makeLayer(`base ${index}`, family, algorithm))
}
