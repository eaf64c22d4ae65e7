import {PreconditionError} from '../errors.js'
import type {Image} from '../image/image.js'
import {replaceLayersAsOci} from '../image/replace-layers.js'
import {layerStream} from '../layer/in-layer.js'
import type {Descriptor} from '../oci/descriptor.js'
import type {Digest} from '../oci/digest.js'
import {layerCompression} from '../oci/media-type.js'
import type {BlobReader} from '../store/content-store.js'
import {isForeign} from '../store/manifest-parts.js'
import {streamOf} from '../stream/bytes.js'
import {refuseForDocker} from './archive-index.js'
import {legacyLayers} from './legacy-layers.js'
import {blobPath} from './oci-archive.js'
import {
  type ImageName,
  indexDocument,
  manifestDocument,
  repositoriesDocument,
  type SavedImage,
  topOf,
} from './saved-documents.js'
import {createTarBlobs, type TarBlobOptions, type TarBlobs} from './tar-blobs.js'
import type {TarSink} from './tar-sink.js'

/** An image for an archive, with where its layers are and what it is called. */
export interface ImageToSave {
  readonly image: Image
  readonly names: readonly ImageName[]
  readonly source: BlobReader
}

export interface SaveOptions extends TarBlobOptions {
  /** With the directories that `docker save` wrote for each layer before it wrote layouts. */
  readonly legacy: boolean
}

/**
 * Writes images as one archive that is an OCI image layout and what `docker save` writes, each blob
 * once, and all but the end of the tar. The bytes depend on the images, their names and their
 * order. Layers are streamed; one that is compressed again lies in `temporary` for a while. Throws
 * what the images' stores throw, `PreconditionError` for a layer that Docker cannot have, and what
 * `layerTar` throws.
 */
export async function saveImages(
  tar: TarSink,
  images: readonly ImageToSave[],
  options: SaveOptions,
): Promise<readonly SavedImage[]> {
  const {legacy} = options
  const blobs = createTarBlobs(tar, options)
  await addText(tar, 'oci-layout', '{"imageLayoutVersion":"1.0.0"}')
  await tar.addFolder('blobs')
  const saved: SavedImage[] = []
  for (const each of images) saved.push(await saveImage(each, blobs, options))
  const tops = legacy ? await addLegacy(tar, images, saved) : []
  const named = saved.map((image, at) => ({...image, top: tops[at] ?? image.top}))
  await addText(tar, 'index.json', indexDocument(named))
  const repositories = repositoriesDocument(named)
  if (repositories !== undefined) await addText(tar, 'repositories', repositories)
  await addText(tar, 'manifest.json', manifestDocument(named))
  return named
}

async function saveImage(
  {image, names, source}: ImageToSave,
  blobs: TarBlobs,
  {compression, legacy, signal}: SaveOptions,
): Promise<SavedImage> {
  const {manifest, config} = image
  const {diff_ids: diffIds} = config.value.rootfs
  const layers: Descriptor[] = []
  const foreign = new Map<Digest, Descriptor>()
  refuseForDocker(manifest, () => true, 'the archive')
  for (const [at, layer] of manifest.value.layers.entries()) {
    const diffId = diffIds[at] ?? layer.digest
    // its addresses are for anyone who loads the archive: they are never asked here
    const isElsewhere =
      isForeign(layer) ||
      ((layer.urls?.length ?? 0) > 0 && !(await source.statBlob(layer.digest, {signal})))
    if (isElsewhere) {
      if (legacy) throw foreignLegacy()
      foreign.set(diffId, addressed(layer))
      layers.push(layer)
      continue
    }
    const isKept = compression === 'keep' || layerCompression(layer.mediaType) === compression
    const place = {number: at + 1, digest: layer.digest}
    if (isKept)
      await blobs.add(layer, async () => layerStream(place, await source.openBlob(layer, {signal})))
    layers.push(
      isKept ? layer : await blobs.addRecompressed({descriptor: layer, diffId}, image, source),
    )
  }
  await blobs.add(config.descriptor, () => streamOf(config.bytes))
  // skopeo finds manifests of OCI's media type only by their names in a layout
  const {descriptor, bytes} = replaceLayersAsOci(image, layers)
  await blobs.add(descriptor, () => streamOf(bytes))
  const top = topOf(layers, config.descriptor)
  return {descriptor, config: config.descriptor, layers, foreign, names, top}
}

/**
 * Gives the top layer's id of each image. The layers themselves are links: they are in the archive
 * already.
 */
async function addLegacy(
  tar: TarSink,
  images: readonly ImageToSave[],
  saved: readonly SavedImage[],
): Promise<string[]> {
  const written = new Set<string>()
  const tops: string[] = []
  for (const [at, {image}] of images.entries()) {
    const layers = legacyLayers(image)
    for (const [position, {id, json}] of layers.entries()) {
      const blob = saved[at]?.layers[position]
      if (!blob || written.has(id)) continue
      written.add(id)
      await tar.addFolder(id)
      await addText(tar, `${id}/VERSION`, '1.0')
      await addText(tar, `${id}/json`, json)
      await tar.addLink(`${id}/layer.tar`, `../${blobPath(blob.digest)}`)
    }
    tops.push(layers.at(-1)?.id ?? saved[at]?.top ?? '')
  }
  return tops
}

function addText(tar: TarSink, path: string, text: string): Promise<unknown> {
  const bytes = Buffer.from(text)
  return tar.addFile(path, bytes.length, streamOf(bytes))
}

/** What another reader needs to fetch the layer, and nothing that only a manifest should say. */
function addressed({mediaType, digest, size, urls = []}: Descriptor): Descriptor {
  return {mediaType, digest, size, urls}
}

function foreignLegacy(): PreconditionError {
  return new PreconditionError(
    'ERR_INJECT_FOREIGN_LAYER',
    'the image has layers that are to be had elsewhere only: there is nothing to put into their directories',
    {hint: 'leave out --legacy'},
  )
}
