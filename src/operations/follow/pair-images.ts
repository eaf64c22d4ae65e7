import {PreconditionError} from '../../errors.js'
import {formatPlatform, matchesPlatform, type Platform} from '../../oci/platform.js'
import {injectedImages, type LoadedImages, type PlacedImage} from './load-images.js'

/**
 * What to do when the vendor's image is for other platforms than before: put the slots into the
 * images for the platforms of both, or fail.
 */
export const platformPolicies = ['intersect', 'fail'] as const
export type PlatformPolicy = (typeof platformPolicies)[number]

/** An image with slots, and the one that they will be put on. */
export interface ImagePair extends PlacedImage {
  readonly onto: PlacedImage
}

/** The images that belong together, and the platforms of only one side. */
export interface PairedImages {
  readonly pairs: readonly ImagePair[]
  readonly added: readonly Platform[]
  readonly removed: readonly Platform[]
}

/**
 * Finds the new image for each image with slots, by platform. Throws `PreconditionError`:
 * `ERR_INJECT_NO_SLOT` when there are no slots, `ERR_INJECT_PLATFORMS_CHANGED` when the platforms
 * have nothing in common, when an index became a single image, or, by `policy`, when any differ.
 */
export function pairImages(
  injected: LoadedImages,
  onto: LoadedImages,
  policy: PlatformPolicy,
  what: string,
): PairedImages {
  const withSlots = injectedImages(injected)
  if (withSlots.length === 0) {
    throw new PreconditionError('ERR_INJECT_NO_SLOT', `${what} has no slots`, {
      hint: 'inject update adds one; an image without slots needs no rebase',
    })
  }
  // an index of one image says no more than the image: it is on a single image as well
  if (injected.tree && !onto.tree && injected.images.length > 1)
    throw changed(`${what} is an index, and the vendor's image is now a single image`)
  const pairs = withSlots.flatMap((each) => {
    const other = onto.images.find((one) => isFor(each.platform, one.platform))
    return other ? [{...each, onto: other}] : []
  })
  const removed = missingIn(injected, onto)
  // a single image never had the other platforms of the vendor's index
  const added = injected.tree ? missingIn(onto, injected) : []
  if (pairs.length === 0) throw changed(`the vendor's image is no longer for ${listed(removed)}`)
  if (policy === 'fail' && added.length + removed.length > 0) {
    const parts = [
      added.length > 0 ? `new: ${listed(added)}` : '',
      removed.length > 0 ? `gone: ${listed(removed)}` : '',
    ].filter(Boolean)
    throw changed(`the vendor's image is for other platforms than ${what}: ${parts.join('; ')}`)
  }
  return {pairs, added, removed}
}

function missingIn({images}: LoadedImages, other: LoadedImages): Platform[] {
  return images
    .map(({platform}) => platform)
    .filter((platform) => !other.images.some((each) => isFor(platform, each.platform)))
}

/** Windows images match by major version, because vendors move to new builds. */
function isFor(wanted: Platform, platform: Platform): boolean {
  const version = wanted['os.version']?.split('.').slice(0, 3).join('.')
  const {os, architecture, variant} = wanted
  const less = {
    os,
    architecture,
    ...(variant && {variant}),
    ...(version && {'os.version': version}),
  }
  return matchesPlatform(less, platform)
}

function listed(platforms: readonly Platform[]): string {
  return platforms.map(formatPlatform).join(', ')
}

function changed(message: string): PreconditionError {
  return new PreconditionError('ERR_INJECT_PLATFORMS_CHANGED', message, {
    hint: 'inject update puts the content into the new image; --platforms intersect takes the platforms of both',
  })
}
