import {originOf, originOfIndex} from '../../image/follow/origin.js'
import {formatPlatform} from '../../oci/platform.js'
import {injectedImages, type LoadedImages} from './load-images.js'

/**
 * Whether the vendor's document is the one that the slots were put into, or the injected document
 * itself, because its tag is the vendor's.
 */
export function isUnmoved(injected: LoadedImages, vendor: LoadedImages): boolean {
  if (injected.digest === vendor.digest) return true
  if (injected.tree) {
    const {digest} = originOfIndex(injected.tree.index)
    // an index made from only some of the vendor's images is a different one
    if (digest !== undefined && vendor.tree) return digest === vendor.digest
  }
  const images = injectedImages(injected)
  const digests = new Set(vendor.images.map(({image}) => image.manifest.descriptor.digest))
  const isOn = images.every(({image}) => {
    const {digest} = originOf(image)
    return digest !== undefined && digests.has(digest)
  })
  if (images.length === 0 || !isOn) return false
  return !injected.tree || platformsOf(injected) === platformsOf(vendor)
}

function platformsOf({images}: LoadedImages): string {
  return images
    .map(({platform}) => formatPlatform(platform))
    .sort()
    .join()
}
