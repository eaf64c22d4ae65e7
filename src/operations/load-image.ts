import {LimitError, NotFoundError} from '../errors.js'
import {decodeImage, type Image} from '../image/image.js'
import {decodeManifest} from '../oci/manifest.js'
import {formatReference, type Reference} from '../oci/reference.js'
import {readAll} from '../stream/limit.js'
import type {ContentStore} from '../store/content-store.js'
import type {LayoutStore} from '../store/layout-store.js'
import type {Ports} from './ports.js'

/** What a registry assumes when nothing is said, as docker does. */
export const defaultTag = 'latest'

/** Configs are small; a larger one is not read. */
const largestConfig = 4 * 1024 * 1024

export interface LoadedImage {
  readonly image: Image
  /** The tag it was found by; `undefined` when a digest named it. */
  readonly tag: string | undefined
}

/**
 * The image that `reference` names: manifest and config, verified and validated, no layers. Without tag and digest it is `latest`, or
 * the only image of an OCI layout. Throws `NotFoundError`, and whatever `decodeImage` refuses.
 */
export async function loadImage(
  store: ContentStore,
  reference: Reference,
  {report, signal}: Ports,
): Promise<LoadedImage> {
  report({kind: 'step', step: 'read image', on: formatReference(reference)})
  const {tag, digest} = await wanted(store, reference, {report, signal})
  const name = digest ?? tag ?? defaultTag
  const image = await fetchImage(store, name, signal)
  if (image) return {image, tag: digest ? undefined : tag}
  throw new NotFoundError(
    'ERR_INJECT_IMAGE_NOT_FOUND',
    `there is no image ${digest ? `with digest ${name}` : `tagged ${name}`} in ${store.name}`,
    {
      hint: (await tagHint(store, signal)) ?? 'check the name and the tag',
    },
  )
}

/** Manifest and config of what a tag or digest names; `undefined` when it names nothing. */
export async function fetchImage(
  store: ContentStore,
  name: string,
  signal: AbortSignal,
): Promise<Image | undefined> {
  const stored = await store.getManifest(name, {signal})
  if (!stored) return undefined
  const {config} = decodeManifest(stored.bytes, stored.descriptor.mediaType)
  if (config.size > largestConfig) {
    throw new LimitError(
      'ERR_INJECT_DOCUMENT_TOO_LARGE',
      `the config of ${store.name} is larger than 4 MiB`,
      {expected: largestConfig, found: config.size},
    )
  }
  const configBytes = await readAll(
    await store.openBlob(config, {signal}),
    largestConfig,
    'the image config',
  )
  return decodeImage(stored, configBytes)
}

/** Without tag and digest: `latest` where it is, else the only image there is, where the store can tell. */
async function wanted(
  store: ContentStore,
  reference: Reference,
  {report, signal}: Pick<Ports, 'report' | 'signal'>,
): Promise<Pick<Reference, 'tag' | 'digest'>> {
  if (reference.digest ?? reference.tag) return reference
  if (isLayout(store) && !(await store.statManifest(defaultTag, {signal}))) {
    const digest = await store.onlyManifest()
    if (digest) return {digest}
  }
  report({kind: 'notice', message: `no tag given: using ${store.name}:${defaultTag}`})
  return {tag: defaultTag}
}

/** Asked by ability, not by place: any store may know that it holds one image only. */
function isLayout(store: ContentStore): store is LayoutStore {
  return 'onlyManifest' in store
}

/** A few of the tags that are there, for whoever mistyped one; listing is a courtesy, so its own failure says nothing. */
async function tagHint(store: ContentStore, signal: AbortSignal): Promise<string | undefined> {
  const tags: string[] = []
  try {
    for await (const tag of store.listTags({signal})) {
      tags.push(tag)
      if (tags.length > 10) break
    }
  } catch {
    return undefined
  }
  if (tags.length === 0) return undefined
  return `tags there: ${tags.slice(0, 10).join(', ')}${tags.length > 10 ? ', …' : ''}`
}
