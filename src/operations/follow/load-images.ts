import {NotFoundError} from '../../errors.js'
import {type Origin, originOf, originOfIndex} from '../../image/follow/origin.js'
import {descriptorOf} from '../../image/document.js'
import type {Image} from '../../image/image.js'
import type {IndexTree} from '../../image/index/index-tree.js'
import {findSlots} from '../../image/slot.js'
import type {Digest} from '../../oci/digest.js'
import {formatPlatform, type Platform, platformOf} from '../../oci/platform.js'
import type {ContentStore} from '../../store/content-store.js'
import {fetchImage, imageOf} from '../find/fetch-image.js'
import type {FoundDocument} from '../find/find-document.js'
import {loadIndex, unlessArtifact} from '../find/load-index.js'

/** One image of a document. */
export interface PlacedImage {
  readonly platform: Platform
  readonly image: Image
}

/** A document with all of its images; a single image is treated as an index of one. */
export interface LoadedImages {
  readonly digest: Digest
  /** The index, with the indexes below it; `undefined`: the document is a single image. */
  readonly tree: IndexTree | undefined
  /** In the order of the index; artifacts are left out. */
  readonly images: readonly PlacedImage[]
}

/**
 * Loads manifest and config of all images of a document. Throws `NotFoundError` for an image that
 * the store lacks, and what `loadIndex` and `decodeImage` throw.
 */
export async function loadImages(
  store: ContentStore,
  found: FoundDocument,
  signal: AbortSignal,
): Promise<LoadedImages> {
  const {digest} = descriptorOf(found)
  if (found.kind === 'image') {
    const image = await imageOf(store, found.manifest, signal)
    const platform = platformOf(image.config.value)
    return {digest, tree: undefined, images: [{platform, image}]}
  }
  const {tree, images: entries} = await loadIndex(store, found.index, signal)
  const images: PlacedImage[] = []
  for (const {entry, platform} of entries) {
    const image = await unlessArtifact(() => fetchImage(store, entry.digest, signal))
    if (!image) throw missing(entry.digest, platform, store.name)
    if (image !== 'artifact') images.push({platform, image})
  }
  return {digest, tree, images}
}

/** The images that have slots. */
export function injectedImages({images}: LoadedImages): readonly PlacedImage[] {
  return images.filter(({image}) => findSlots(image).length > 0)
}

/** Where a document comes from: as an index says, else the first of its images that has slots. */
export function originOfLoaded(loaded: LoadedImages): Origin {
  const [first] = injectedImages(loaded)
  const own = first ? originOf(first.image) : {digest: undefined, name: undefined}
  if (!loaded.tree) return own
  const {digest, name} = originOfIndex(loaded.tree.index)
  return {digest, name: name ?? own.name}
}

function missing(digest: Digest, platform: Platform, where: string): NotFoundError {
  return new NotFoundError(
    'ERR_INJECT_IMAGE_NOT_FOUND',
    `the image for ${formatPlatform(platform)} is not in ${where}: ${digest}`,
  )
}
