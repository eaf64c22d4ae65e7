import {PreconditionError} from '../errors.js'
import type {Descriptor} from '../oci/descriptor.js'
import type {Digest} from '../oci/digest.js'
import {decodeManifest} from '../oci/manifest.js'
import {dockerManifestList, layerCompression, ociIndex} from '../oci/media-type.js'
import {quoted} from '../oci/quoted.js'
import {parseReference, repositoryName} from '../oci/names/reference.js'
import type {StoredManifest} from '../store/content-store.js'
import {
  type ImageName,
  indexDocument,
  manifestDocument,
  repositoriesDocument,
  topOf,
} from './saved-documents.js'

/** What the tags of an archive name, in the order in which they came. */
export type ArchiveTags = ReadonlyMap<string, StoredManifest>

/** `index.json`; with `name` the tags are tags of this repository. */
export function layoutIndex(tags: ArchiveTags, name: string | undefined): string {
  return indexDocument([...named(tags, name).values()])
}

/**
 * `manifest.json` and `repositories`. `name` is the repository that the tags are given in; without
 * one the images have no names.
 */
export function dockerFiles(
  tags: ArchiveTags,
  name: string | undefined,
): {readonly manifest: string; readonly repositories: string | undefined} {
  const images = [...named(tags, name).values()].map(({stored, descriptor, names}) => {
    const {config, layers} = decodeManifest(stored.bytes, descriptor.mediaType)
    return {descriptor, config, layers, names, foreign: new Map(), top: topOf(layers, config)}
  })
  return {manifest: manifestDocument(images), repositories: repositoriesDocument(images)}
}

/** The images by digest, each with all of its names. */
function named(tags: ArchiveTags, name: string | undefined) {
  const repository = name === undefined ? undefined : repositoryName(parseReference(name))
  const images = new Map<
    Digest,
    {stored: StoredManifest; descriptor: Descriptor; names: ImageName[]}
  >()
  for (const [tag, stored] of tags) {
    const {descriptor} = stored
    const image = images.get(descriptor.digest) ?? {stored, descriptor, names: []}
    images.set(descriptor.digest, image)
    image.names.push({repository, tag})
  }
  return images
}

/**
 * Throws `PreconditionError` for what Docker cannot load: anything but one image whose layers are
 * all there.
 */
export function refuseForDocker(
  {bytes, descriptor}: StoredManifest,
  has: (layer: Descriptor) => boolean,
  where: string,
): void {
  if (isIndexType(descriptor.mediaType)) throw onePlatform(where)
  const {layers} = decodeManifest(bytes, descriptor.mediaType)
  const other = layers.find((layer) => layerCompression(layer.mediaType) === undefined)
  if (other) {
    throw new PreconditionError(
      'ERR_INJECT_MEDIA_TYPE_UNSUPPORTED',
      `Docker knows no layers of the media type ${quoted(other.mediaType)}`,
    )
  }
  if (layers.every(has)) return
  throw new PreconditionError(
    'ERR_INJECT_FOREIGN_LAYER',
    `the image has layers that are to be had elsewhere only: ${where} would lack them`,
    {hint: 'use an oci-archive'},
  )
}

function isIndexType(mediaType: string): boolean {
  return mediaType === ociIndex || mediaType === dockerManifestList
}

/** What to throw for an index that is to go into a docker-archive. */
export function onePlatform(where: string): PreconditionError {
  return new PreconditionError(
    'ERR_INJECT_ARCHIVE_ONE_PLATFORM',
    `${where} holds single images, and this is an index of several`,
    {hint: 'copy one out by inject copy … --platform OS/ARCH, or use an oci-archive'},
  )
}
