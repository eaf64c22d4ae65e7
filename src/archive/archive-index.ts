import {PreconditionError} from '../errors.js'
import {setMember} from '../image/text-edit.js'
import type {Descriptor} from '../oci/descriptor.js'
import {type Digest, hexOf} from '../oci/digest.js'
import {decodeManifest} from '../oci/manifest.js'
import {dockerManifestList, layerCompression, ociIndex} from '../oci/media-type.js'
import {quoted} from '../oci/quoted.js'
import {formatReference, parseReference} from '../oci/reference.js'
import type {StoredManifest} from '../store/content-store.js'
import {decodeIndex, emptyIndex, moveTag} from '../store/layout-index.js'
import {blobPath} from './oci-archive.js'

/** What the tags of an archive name, in the order in which they came. */
export type ArchiveTags = ReadonlyMap<string, StoredManifest>

/** `index.json`; `name`: containerd takes the tags as tags of this repository. */
export function layoutIndex(tags: ArchiveTags, name: string | undefined): string {
  let index = decodeIndex(Buffer.from(emptyIndex), 'index.json')
  for (const [tag, {descriptor}] of tags) index = moveTag(index, tag, descriptor, 'index.json')
  if (name === undefined) return index.text
  return index.entries.reduce((text, {tag}, at) => {
    if (tag === undefined) return text
    const full = formatReference(parseReference(`${name}:${tag}`))
    return setMember(text, ['manifests', at, 'annotations', 'io.containerd.image.name'], full)
  }, index.text)
}

/**
 * `manifest.json` and `repositories` as `docker load` and skopeo read them. `name` is the repository that the tags are given in; without one the images have no names.
 * https://github.com/moby/docker-image-spec/blob/main/v1.2.md#combined-image-json--filesystem-changeset-format
 */
export function dockerFiles(
  tags: ArchiveTags,
  name: string | undefined,
): {readonly manifest: string; readonly repositories: string | undefined} {
  const images = new Map<Digest, {stored: StoredManifest; names: string[]}>()
  const tops: Record<string, string> = {}
  for (const [tag, stored] of tags) {
    const {digest} = stored.descriptor
    const image = images.get(digest) ?? {stored, names: []}
    images.set(digest, image)
    if (name === undefined) continue
    image.names.push(`${name}:${tag}`)
    tops[tag] = hexOf(
      decodeManifest(stored.bytes, stored.descriptor.mediaType).layers.at(-1)?.digest ?? digest,
    )
  }
  const manifest = [...images.values()].map(({stored: {bytes, descriptor}, names}) => {
    const {config, layers} = decodeManifest(bytes, descriptor.mediaType)
    return {
      Config: blobPath(config.digest),
      RepoTags: names.length === 0 ? null : names,
      Layers: layers.map(({digest}) => blobPath(digest)),
    }
  })
  return {
    manifest: JSON.stringify(manifest),
    repositories: name === undefined ? undefined : JSON.stringify({[name]: tops}),
  }
}

/** Throws `PreconditionError` for what Docker cannot load: anything but one image whose layers are all there. */
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
    {hint: 'choose one by --platform, or use an oci-archive'},
  )
}
