import {PreconditionError} from '../../errors.js'
import type {Image} from '../../image/image.js'
import type {IndexTree} from '../../image/index-tree.js'
import {chooseImages, type PlatformImage} from '../../image/platforms.js'
import {findSlot, type Slot} from '../../image/slot.js'
import type {Digest} from '../../oci/digest.js'
import {formatPlatform, type Platform, platformOf} from '../../oci/platform.js'
import {formatReference} from '../../oci/reference.js'
import type {ContentStore} from '../../store/content-store.js'
import {fetchImage, imageOf} from './fetch-image.js'
import type {FoundDocument} from './find-document.js'
import type {ImageRequest} from './image-request.js'
import {checkPlatform} from './load-image.js'
import {loadIndex} from './load-index.js'

/** One image that something is put into, or taken out of. */
export interface Target {
  readonly image: Image
  readonly platform: Platform
  /** The one that it has already. */
  readonly slot: Slot | undefined
}

/** What a command changes. A single image is treated as an index of one. */
export interface LoadedTargets {
  /** The index, with the indexes below it; `undefined`: the document is a single image. */
  readonly tree: IndexTree | undefined
  /** Those that were chosen, in the order of the index. */
  readonly targets: readonly Target[]
  /** The images of the index that were not chosen. */
  readonly others: readonly PlatformImage[]
}

/**
 * The images that were chosen of the document that was found, each with manifest and config. Throws
 * what `chooseImages` and `checkPlatform` throw, and `PreconditionError`
 * (`ERR_INJECT_IMAGE_NOT_IN_REPOSITORY`) when the repository lacks one of them.
 */
export async function loadTargets(
  store: ContentStore,
  found: FoundDocument,
  request: ImageRequest,
  signal: AbortSignal,
): Promise<LoadedTargets> {
  const {name, platforms} = request
  const what = formatReference(request.reference)
  if (found.kind === 'image') {
    const image = await imageOf(store, found.manifest, signal)
    checkPlatform(image, platforms, what)
    const platform = platformOf(image.config.value)
    const target = {image, platform, slot: findSlot(image, name)}
    return {tree: undefined, targets: [target], others: []}
  }
  const {tree, images} = await loadIndex(store, found.index, signal)
  const chosen = new Set(chooseImages(images, platforms, what))
  const targets: Target[] = []
  for (const {entry, platform} of chosen) {
    const image = await fetchImage(store, entry.digest, signal)
    if (!image) throw notThere(entry.digest, platform, what)
    targets.push({image, platform, slot: findSlot(image, name)})
  }
  return {tree, targets, others: images.filter((each) => !chosen.has(each))}
}

/** The images of the index that were not chosen. Throws as `loadTargets` does. */
export async function loadOthers(
  store: ContentStore,
  {others}: LoadedTargets,
  {reference}: ImageRequest,
  signal: AbortSignal,
): Promise<readonly Image[]> {
  const images: Image[] = []
  for (const {entry, platform} of others) {
    const image = await fetchImage(store, entry.digest, signal)
    if (!image) throw notThere(entry.digest, platform, formatReference(reference))
    images.push(image)
  }
  return images
}

function notThere(digest: Digest, platform: Platform, what: string): PreconditionError {
  return new PreconditionError(
    'ERR_INJECT_IMAGE_NOT_IN_REPOSITORY',
    `the image for ${formatPlatform(platform)} of ${what} is not in the repository: ${digest}`,
    {hint: 'choose others by --platform'},
  )
}
