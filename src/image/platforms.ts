import {NotFoundError, UsageError} from '../errors.js'
import type {IndexEntry} from '../oci/image-index.js'
import {formatPlatform, matchesPlatform, type Platform} from '../oci/platform.js'

/** An image of an index, and what it runs on: as its entry says, else its config. */
export interface PlatformImage {
  readonly entry: IndexEntry
  readonly platform: Platform
}

/**
 * Which images of an index are meant: those of some platforms, or all there are. The only image of
 * an index need not be chosen.
 */
export type PlatformChoice = 'all' | readonly Platform[]

/**
 * The images that are meant, in the order of the index. Throws `UsageError`
 * (`ERR_INJECT_PLATFORM_NEEDED`) when nothing was chosen, and `NotFoundError`
 * (`ERR_INJECT_PLATFORM_NOT_FOUND`) for a platform that the index does not have; both say which
 * there are. `what` names the index.
 */
export function chooseImages(
  images: readonly PlatformImage[],
  choice: PlatformChoice | undefined,
  what: string,
): PlatformImage[] {
  if (isNone(choice)) {
    if (images.length === 1) return [...images]
    throw needed(images, what, ', or --platform all')
  }
  if (images.length === 0) {
    throw new NotFoundError('ERR_INJECT_PLATFORM_NOT_FOUND', `${what} is an index without images`)
  }
  if (choice === 'all') return [...images]
  for (const wanted of choice) {
    if (!images.some(({platform}) => matchesPlatform(wanted, platform)))
      throw missing(images, wanted, what)
  }
  return images.filter(({platform}) => choice.some((wanted) => matchesPlatform(wanted, platform)))
}

/** The first of them, for what works on one image. Throws what `chooseImages` throws. */
export function chooseImage(
  images: readonly PlatformImage[],
  choice: PlatformChoice | undefined,
  what: string,
): PlatformImage | undefined {
  if (isNone(choice) && images.length !== 1) throw needed(images, what, '')
  return chooseImages(images, choice, what)[0]
}

/** `linux/amd64, linux/arm64/v8`; each once, at most 20. */
export function listPlatforms(images: readonly PlatformImage[]): string {
  const names = [...new Set(images.map(({platform}) => formatPlatform(platform)))]
  return names.length > 20 ? `${names.slice(0, 20).join(', ')}, …` : names.join(', ')
}

function isNone(choice: PlatformChoice | undefined): choice is undefined {
  return choice === undefined || (choice !== 'all' && choice.length === 0)
}

function needed(images: readonly PlatformImage[], what: string, orElse: string): UsageError {
  const [first] = images
  const example = first ? formatPlatform(first.platform) : 'OS/ARCH'
  return new UsageError(
    'ERR_INJECT_PLATFORM_NEEDED',
    `${what} is an index of several platforms: ${listPlatforms(images) || 'none'}`,
    {hint: `use --platform ${example} for one of them${orElse}`},
  )
}

function missing(images: readonly PlatformImage[], wanted: Platform, what: string): NotFoundError {
  return new NotFoundError(
    'ERR_INJECT_PLATFORM_NOT_FOUND',
    `${what} has no image for ${formatPlatform(wanted)}`,
    {hint: `there are: ${listPlatforms(images)}`},
  )
}
