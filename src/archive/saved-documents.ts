// What makes an archive of layers readable: `index.json` for anyone who reads OCI image layouts
// (Docker's containerd store, podman, nerdctl), `manifest.json` for `docker load` as it always was,
// and `repositories` for the tools before that.
// https://github.com/moby/docker-image-spec/blob/main/v1.2.md#combined-image-json--filesystem-changeset-format
import {refName} from '../oci/annotation.js'
import type {Descriptor} from '../oci/descriptor.js'
import {type Digest, hexOf} from '../oci/digest.js'
import {ociIndex} from '../oci/media-type.js'
import {parseReference, repositoryName} from '../oci/names/reference.js'
import {blobPath} from './oci-archive.js'

/** What an image is called in an archive. */
export interface ImageName {
  /**
   * `registry.example/team/app`; `undefined` if the image comes from a place that gives it none.
   */
  readonly repository: string | undefined
  readonly tag: string
}

/** An image as an archive has it. */
export interface SavedImage {
  /** Of the manifest. */
  readonly descriptor: Descriptor
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
  /** Layers that the archive lacks, by diff ID. */
  readonly foreign: ReadonlyMap<Digest, Descriptor>
  readonly names: readonly ImageName[]
  /** What `repositories` calls the image. */
  readonly top: string
}

/**
 * What the annotations of `index.json` call the full name.
 * https://github.com/containerd/containerd/blob/v2.0.0/core/images/annotations.go
 */
export const containerdName = 'io.containerd.image.name'

/** `registry.example/team/app:v1`; `undefined` without a repository. */
export function fullName({repository, tag}: ImageName): string | undefined {
  return repository === undefined ? undefined : `${repository}:${tag}`
}

/**
 * `index.json`. The name of an entry is its tag, as `docker save` and podman have it; where two
 * images have the same tag, it is the full name, since a layout's names must be told apart.
 */
export function indexDocument(images: readonly Pick<SavedImage, 'descriptor' | 'names'>[]): string {
  const holders = new Map<string, Set<Digest>>()
  for (const {descriptor, names} of images) {
    for (const {tag} of names)
      holders.set(tag, (holders.get(tag) ?? new Set()).add(descriptor.digest))
  }
  const manifests = images.flatMap(({descriptor, names}) => {
    const {mediaType, digest, size} = descriptor
    const plain = {mediaType, digest, size}
    if (names.length === 0) return [plain]
    return names.map((name) => {
      const full = fullName(name)
      const isShared = (holders.get(name.tag)?.size ?? 0) > 1
      const annotations = {
        ...(full !== undefined && {[containerdName]: full}),
        [refName]: isShared && full !== undefined ? full : name.tag,
      }
      return {...plain, annotations}
    })
  })
  return JSON.stringify({schemaVersion: 2, mediaType: ociIndex, manifests})
}

/**
 * `manifest.json`: one entry for each config, which is what Docker knows an image by, with all of
 * its names. A layer that the archive lacks has its place in `Layers`, and in `LayerSources` its
 * descriptor with its addresses.
 */
export function manifestDocument(images: readonly SavedImage[]): string {
  const byConfig = new Map<Digest, {readonly image: SavedImage; readonly tags: string[]}>()
  for (const image of images) {
    const entry = byConfig.get(image.config.digest) ?? {image, tags: []}
    byConfig.set(image.config.digest, entry)
    for (const {repository, tag} of image.names)
      if (repository !== undefined) entry.tags.push(`${familiar(repository)}:${tag}`)
  }
  const entries = [...byConfig.values()].map(({image: {config, layers, foreign}, tags}) => ({
    Config: blobPath(config.digest),
    RepoTags: tags.length === 0 ? null : tags,
    Layers: layers.map(({digest}) => blobPath(digest)),
    ...(foreign.size > 0 && {LayerSources: Object.fromEntries(foreign)}),
  }))
  return JSON.stringify(entries)
}

/** `repositories`: by name and tag, the top layer; `undefined` when no image has a name. */
export function repositoriesDocument(images: readonly SavedImage[]): string | undefined {
  const repositories = new Map<string, Map<string, string>>()
  for (const {names, top} of images) {
    for (const {repository, tag} of names) {
      if (repository === undefined) continue
      const name = familiar(repository)
      const tags = repositories.get(name) ?? new Map<string, string>()
      repositories.set(name, tags.set(tag, top))
    }
  }
  if (repositories.size === 0) return undefined
  const entries = [...repositories].map(([name, tags]) => [name, Object.fromEntries(tags)] as const)
  return JSON.stringify(Object.fromEntries(entries))
}

/**
 * The hex of the last layer's digest: what `repositories` calls an image that has no directories of
 * its own.
 */
export function topOf(layers: readonly Descriptor[], config: Descriptor): string {
  return hexOf((layers.at(-1) ?? config).digest)
}

/**
 * As `docker save` writes it: without what is Docker Hub's, where the rest is read as the same
 * again.
 */
function familiar(repository: string): string {
  const short = repository.replace(/^docker\.io\/(?:library\/(?=[^/]+$))?/, '')
  return repositoryName(parseReference(short)) === repository ? short : repository
}
