import {NotFoundError, PreconditionError} from '../../errors.js'
import type {Image} from '../../image/image.js'
import {chooseImages, type PlatformChoice} from '../../image/platforms.js'
import {findSlot, type Slot} from '../../image/slot.js'
import type {Digest} from '../../oci/digest.js'
import {formatPlatform, type Platform} from '../../oci/platform.js'
import type {ContentStore} from '../../store/content-store.js'
import {fetchImage} from './fetch-image.js'
import {type LoadedIndex, unlessArtifact} from './load-index.js'

/** One image of an index that something is to be put into. */
export interface IndexTarget {
  readonly image: Image
  readonly platform: Platform
  /** The one that it has already. */
  readonly slot: Slot | undefined
}

/**
 * The images that were chosen, each read whole. `name` is the slot's, `what` the index's for
 * messages. Throws what `chooseImages` throws, and `PreconditionError`
 * (`ERR_INJECT_IMAGE_NOT_IN_REPOSITORY`) when the repository lacks one of them.
 */
export async function loadTargets(
  store: ContentStore,
  {images}: LoadedIndex,
  {platforms, name, what}: {platforms: PlatformChoice | undefined; name: string; what: string},
  signal: AbortSignal,
): Promise<IndexTarget[]> {
  const targets: IndexTarget[] = []
  for (const {entry, platform} of chooseImages(images, platforms, what)) {
    const image = await unlessArtifact(() => fetchImage(store, entry.digest, signal))
    if (!image) throw notThere(entry.digest, platform, what)
    // kept byte for byte, like all that is not an image
    if (image === 'artifact' && platforms === 'all') continue
    if (image === 'artifact') throw noImage(entry.digest, platform, what)
    targets.push({image, platform, slot: findSlot(image, name)})
  }
  return targets
}

/**
 * Throws `NotFoundError` (`ERR_INJECT_PLATFORM_NOT_FOUND`) when all that looked like images turned
 * out to be artifacts.
 */
export function refuseNone(targets: readonly IndexTarget[], what: string): void {
  if (targets.length > 0) return
  throw new NotFoundError('ERR_INJECT_PLATFORM_NOT_FOUND', `${what} is an index without images`)
}

function noImage(digest: Digest, platform: Platform, what: string): PreconditionError {
  return new PreconditionError(
    'ERR_INJECT_NOT_AN_IMAGE',
    `the entry for ${formatPlatform(platform)} of ${what} is not an image but an artifact: ${digest}`,
    {hint: 'choose another one by --platform; artifacts beside images stay as they are'},
  )
}

function notThere(digest: Digest, platform: Platform, what: string): PreconditionError {
  return new PreconditionError(
    'ERR_INJECT_IMAGE_NOT_IN_REPOSITORY',
    `the image for ${formatPlatform(platform)} of ${what} is not in the repository: ${digest}`,
    {hint: 'choose others by --platform'},
  )
}
