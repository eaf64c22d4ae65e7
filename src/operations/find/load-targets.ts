import {NotFoundError, PreconditionError} from '../../errors.js'
import {adopt} from '../../image/adopt.js'
import {originOfIndex} from '../../image/follow/origin.js'
import type {Image} from '../../image/image.js'
import type {IndexTree} from '../../image/index/index-tree.js'
import {chooseImages, type PlatformImage} from '../../image/platforms.js'
import {findSlot, type Slot} from '../../image/slot.js'
import type {Digest} from '../../oci/digest.js'
import {formatPlatform, type Platform, platformOf} from '../../oci/platform.js'
import {formatReference} from '../../oci/names/reference.js'
import type {ContentStore} from '../../store/content-store.js'
import type {Ports} from '../../ports.js'
import {chosenName} from './chosen-name.js'
import {fetchImage, imageOf} from './fetch-image.js'
import type {FoundDocument} from './find-document.js'
import type {ImageRequest} from './image-request.js'
import {checkPlatform} from './load-image.js'
import {loadIndex, unlessArtifact} from './load-index.js'
import {reportOddities} from './report-oddities.js'

/** One image that a command adds content to, or removes content from. */
export interface Target {
  readonly image: Image
  /** The same with the layer in its slot that was asked for; `undefined` when none was. */
  readonly adopted?: Image | undefined
  readonly platform: Platform
  /** The name of the slot to work on. */
  readonly name: string
  /** The slot that the image already has. */
  readonly slot: Slot | undefined
  /** What the image will remember as the place that it comes from, with its first slot. */
  readonly origin?: string | undefined
}

/** The document that a command changes. A single image is treated as an index of one. */
export interface LoadedTargets {
  /** The index, with the indexes below it; `undefined`: the document is a single image. */
  readonly tree: IndexTree | undefined
  /** The name of the slot to work on. */
  readonly name: string
  /** The chosen images, in the order of the index. */
  readonly targets: readonly Target[]
  /** The images of the index that were not chosen. */
  readonly others: readonly PlatformImage[]
}

/**
 * Loads manifest and config of the chosen images. An artifact is left out, unless its platform was
 * asked for: then this throws `PreconditionError` (`ERR_INJECT_NOT_AN_IMAGE`). Throws what
 * `chooseImages`, `checkPlatform`, `chosenName` and `adopt` throw, and `PreconditionError`
 * (`ERR_INJECT_IMAGE_NOT_IN_REPOSITORY`) when the repository lacks one of the images.
 */
export async function loadTargets(
  store: ContentStore,
  found: FoundDocument,
  request: ImageRequest,
  ports: Ports,
): Promise<LoadedTargets> {
  const {signal} = ports
  const {platforms} = request
  const what = formatReference(request.reference)
  if (found.kind === 'image') {
    const image = await imageOf(store, found.manifest, signal)
    checkPlatform(image, platforms, what)
    const platform = platformOf(image.config.value)
    return {tree: undefined, ...namedTargets([{image, platform}], request, ports), others: []}
  }
  const {tree, images} = await loadIndex(store, found.index, signal)
  const chosen = new Set(chooseImages(images, platforms, what))
  const loaded: FoundImage[] = []
  for (const each of chosen) {
    const image = await imageOrArtifact(store, each, what, signal)
    if (image !== 'artifact') loaded.push({image, platform: each.platform})
    else if (platforms !== 'all') throw notAnImage(each, what)
  }
  if (loaded.length === 0) throw withoutImages(what)
  const others = images.filter((each) => !chosen.has(each))
  // an index with slots is named by a tag of its own, and says itself where it comes from
  const origin = originOfIndex(tree.index)
  const named = origin.digest === undefined ? request : {...request, origin: origin.name}
  return {tree, ...namedTargets(loaded, named, ports), others}
}

type FoundImage = Pick<Target, 'image' | 'platform'>

/** The images with the slot to work on. */
function namedTargets(
  found: readonly FoundImage[],
  {name: asked, adds, origin, adopt: layer}: ImageRequest,
  ports: Ports,
): Pick<LoadedTargets, 'name' | 'targets'> {
  const images = found.map(({image}) => image)
  for (const image of images) reportOddities(image, ports)
  const name = chosenName(images, asked, ports, adds)
  const targets = found.map((each) => {
    const adopted = layer === undefined ? undefined : adopt(each.image, name, layer)
    return {...each, adopted, name, origin, slot: findSlot(adopted ?? each.image, name)}
  })
  return {name, targets}
}

/**
 * The images of the index that were not chosen, without artifacts. Throws as `loadTargets` does.
 */
export async function loadOthers(
  store: ContentStore,
  {others}: LoadedTargets,
  {reference}: ImageRequest,
  signal: AbortSignal,
): Promise<readonly Image[]> {
  const images: Image[] = []
  for (const each of others) {
    const image = await imageOrArtifact(store, each, formatReference(reference), signal)
    if (image !== 'artifact') images.push(image)
  }
  return images
}

async function imageOrArtifact(
  store: ContentStore,
  {entry, platform}: PlatformImage,
  what: string,
  signal: AbortSignal,
): Promise<Image | 'artifact'> {
  const image = await unlessArtifact(() => fetchImage(store, entry.digest, signal))
  if (image) return image
  throw notThere(entry.digest, platform, what)
}

function withoutImages(what: string): NotFoundError {
  return new NotFoundError('ERR_INJECT_PLATFORM_NOT_FOUND', `${what} is an index without images`)
}

function notAnImage({entry, platform}: PlatformImage, what: string): PreconditionError {
  return new PreconditionError(
    'ERR_INJECT_NOT_AN_IMAGE',
    `the entry for ${formatPlatform(platform)} of ${what} is not an image but an artifact: ${entry.digest}`,
    {hint: 'choose another one by --platform; artifacts beside images stay as they are'},
  )
}

function notThere(digest: Digest, platform: Platform, what: string): PreconditionError {
  return new PreconditionError(
    'ERR_INJECT_IMAGE_NOT_IN_REPOSITORY',
    `the image for ${formatPlatform(platform)} of ${what} is not in the repository: ${digest}`,
    {hint: 'choose others with --platform'},
  )
}
