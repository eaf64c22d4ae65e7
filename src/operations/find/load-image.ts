import {NotFoundError} from '../../errors.js'
import type {Image} from '../../image/image.js'
import {chooseImage, type PlatformChoice} from '../../image/platforms.js'
import {formatPlatform, matchesPlatform, platformOf} from '../../oci/platform.js'
import {formatReference, type Reference} from '../../oci/reference.js'
import type {ContentStore} from '../../store/content-store.js'
import {fetchImage, imageOf} from './fetch-image.js'
import type {FoundDocument} from './find-document.js'
import {isIndex, loadIndex} from './load-index.js'

export interface LoadedImage {
  readonly image: Image
  /**
   * The tag it was found by; `undefined` when a digest named it, or when the tag names an index
   * that it is part of.
   */
  readonly tag: string | undefined
}

/**
 * One image that `reference` names, of the document that was found: manifest and config, verified
 * and validated, no layers. Of an index it is the (first) one for `platform`, which a single image
 * must be for, too. Throws `NotFoundError`, what `chooseImage` throws, and whatever `decodeImage`
 * refuses.
 */
export async function loadFound(
  store: ContentStore,
  reference: Reference,
  {stored, tag}: FoundDocument,
  signal: AbortSignal,
  platform?: PlatformChoice,
): Promise<LoadedImage> {
  const name = formatReference(reference)
  if (!isIndex(stored)) {
    const image = await imageOf(store, stored, signal)
    checkPlatform(image, platform, name)
    return {image, tag}
  }
  const {images} = await loadIndex(store, stored, signal)
  const chosen = chooseImage(images, platform, name)
  const image = chosen && (await fetchImage(store, chosen.entry.digest, signal))
  if (image) return {image, tag: undefined}
  throw new NotFoundError(
    'ERR_INJECT_IMAGE_NOT_FOUND',
    `${name} names an image that ${store.name} does not have`,
  )
}

/**
 * Throws `NotFoundError` (`ERR_INJECT_PLATFORM_NOT_FOUND`) when a single image is for another
 * platform than those asked for.
 */
function checkPlatform({config}: Image, choice: PlatformChoice | undefined, name: string): void {
  if (choice === undefined || choice === 'all') return
  const platform = platformOf(config.value)
  const other = choice.find((wanted) => !matchesPlatform(wanted, platform))
  if (other === undefined) return
  throw new NotFoundError(
    'ERR_INJECT_PLATFORM_NOT_FOUND',
    `${name} is a single image, for ${formatPlatform(platform)} and not for ${formatPlatform(other)}`,
    {hint: 'leave out --platform, or name another image'},
  )
}

/** Where the work starts from, for the tags that will move. */
export function startOf({image, tag}: LoadedImage) {
  return {digest: image.manifest.descriptor.digest, tag}
}
