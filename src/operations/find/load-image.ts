import {NotFoundError} from '../../errors.js'
import type {Image} from '../../image/image.js'
import {chooseImage, type PlatformChoice} from '../../image/platforms.js'
import {formatPlatform, matchesPlatform, platformOf} from '../../oci/platform.js'
import type {ContentStore} from '../../store/content-store.js'
import {fetchImage, imageOf} from './fetch-image.js'
import type {FoundDocument} from './find-document.js'
import {loadIndex} from './load-index.js'

/** Which image of a document to load. */
export interface ImageChoice {
  /** The document as the user named it, for messages. */
  readonly what: string
  readonly platforms?: PlatformChoice | undefined
}

/**
 * Loads one image of a document: manifest and config, verified and validated, without layers. From
 * an index it takes the first image for the platforms; a single image must match them, too. Throws
 * `NotFoundError`, and what `chooseImage` and `decodeImage` throw.
 */
export async function loadFound(
  store: ContentStore,
  found: FoundDocument,
  {what, platforms}: ImageChoice,
  signal: AbortSignal,
): Promise<Image> {
  if (found.kind === 'image') {
    const image = await imageOf(store, found.manifest, signal)
    checkPlatform(image, platforms, what)
    return image
  }
  const {images} = await loadIndex(store, found.index, signal)
  const chosen = chooseImage(images, platforms, what)
  const image = chosen && (await fetchImage(store, chosen.entry.digest, signal))
  if (image) return image
  throw new NotFoundError(
    'ERR_INJECT_IMAGE_NOT_FOUND',
    `${what} names an image that ${store.name} does not have`,
  )
}

/**
 * Throws `NotFoundError` (`ERR_INJECT_PLATFORM_NOT_FOUND`) when a single image is for another
 * platform than those asked for.
 */
export function checkPlatform(
  {config}: Image,
  choice: PlatformChoice | undefined,
  what: string,
): void {
  if (choice === undefined || choice === 'all') return
  const platform = platformOf(config.value)
  const other = choice.find((wanted) => !matchesPlatform(wanted, platform))
  if (other === undefined) return
  throw new NotFoundError(
    'ERR_INJECT_PLATFORM_NOT_FOUND',
    `${what} is a single image, for ${formatPlatform(platform)} and not for ${formatPlatform(other)}`,
    {hint: 'leave out --platform, or name another image'},
  )
}
