import {NotFoundError, UsageError} from '../errors.js'
import type {IndexEntry} from '../oci/image-index.js'
import {formatPlatform, matchesPlatform, type Platform} from '../oci/platform.js'

/** An image of an index, and what it runs on: as its entry says, else its config. */
export interface PlatformImage {
  readonly entry: IndexEntry
  readonly platform: Platform
}

/** Which images of an index are meant: those of some platforms, or all there are. */
export type PlatformChoice = 'all' | readonly Platform[]

/**
 * The images that are meant, in the order of the index. Throws `UsageError` (`ERR_INJECT_PLATFORM_NEEDED`) when nothing was chosen, and `NotFoundError`
 * (`ERR_INJECT_PLATFORM_NOT_FOUND`) for a platform that the index does not have; both say which there are. `what` names the index.
 */
export function chooseImages(
  images: readonly PlatformImage[],
  choice: PlatformChoice | undefined,
  what: string,
): PlatformImage[] {
  if (choice === undefined || (choice !== 'all' && choice.length === 0)) throw needed(images, what)
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

/** `linux/amd64, linux/arm64/v8`; each once, at most 20. */
export function listPlatforms(images: readonly PlatformImage[]): string {
  const names = [...new Set(images.map(({platform}) => formatPlatform(platform)))]
  return names.length > 20 ? `${names.slice(0, 20).join(', ')}, …` : names.join(', ')
}

function needed(images: readonly PlatformImage[], what: string): UsageError {
  const [first] = images
  const example = first ? `--platform ${formatPlatform(first.platform)} for one of them, or ` : ''
  return new UsageError(
    'ERR_INJECT_PLATFORM_NEEDED',
    `${what} is an index of several platforms: ${listPlatforms(images) || 'none'}`,
    {hint: `say ${example}--platform all`},
  )
}

function missing(images: readonly PlatformImage[], wanted: Platform, what: string): NotFoundError {
  return new NotFoundError(
    'ERR_INJECT_PLATFORM_NOT_FOUND',
    `${what} has no image for ${formatPlatform(wanted)}`,
    {hint: `there are: ${listPlatforms(images)}`},
  )
}
