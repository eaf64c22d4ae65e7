import type {Layer} from '../../src/image/image.js'
import type {Descriptor} from '../../src/oci/descriptor.js'
import {ociIndex} from '../../src/oci/media-type.js'
import type {RepositoryRoot} from '../../src/store/repository.js'
import {streamOf} from '../../src/stream/bytes.js'
import {encode, type ImageRecipe, makeDocuments, makeLayer} from './images.js'

/** Stores an image without its layers, past all checks of the server. */
export async function storeImage(
  root: RepositoryRoot,
  name: string,
  tag: string,
  recipe: ImageRecipe = {},
): Promise<Descriptor> {
  const {manifest, configBytes} = makeDocuments(recipe)
  const repository = await root.createRepository(name)
  await repository.putBlob({open: () => streamOf(configBytes)})
  return storeManifest(root, name, tag, manifest.bytes, manifest.descriptor.mediaType)
}

export async function storeIndex(
  root: RepositoryRoot,
  name: string,
  tag: string,
  manifests: readonly (Descriptor & {readonly platform?: unknown})[],
): Promise<Descriptor> {
  const index = {schemaVersion: 2, mediaType: ociIndex, manifests}
  return storeManifest(root, name, tag, encode(JSON.stringify(index)), ociIndex)
}

export async function storeManifest(
  root: RepositoryRoot,
  name: string,
  tag: string,
  bytes: Uint8Array,
  mediaType: string,
): Promise<Descriptor> {
  const repository = await root.createRepository(name)
  return repository.putManifest(bytes, mediaType, {tags: [{tag, from: undefined}]})
}

/** A layer that says it is of this size. */
export function layerOf(name: string, size: number): Layer {
  const layer = makeLayer(name)
  return {...layer, descriptor: {...layer.descriptor, size}}
}
