import {type Origin, originOf, originOfIndex} from '../../image/follow/origin.js'
import {descriptorOf} from '../../image/document.js'
import type {Image} from '../../image/image.js'
import {findSlots} from '../../image/slot.js'
import type {Digest} from '../../oci/digest.js'
import {formatPlatform, type Platform} from '../../oci/platform.js'
import {entryKind} from '../../oci/image-index.js'
import type {ContentStore} from '../../store/content-store.js'
import type {FoundDocument} from '../find/find-document.js'
import {injectedImages, type LoadedImages, loadImages, originOfLoaded} from './load-images.js'
import {type ImagePair, pairImages} from './pair-images.js'

/** Whether the vendor's image for a platform has moved, and what changed. */
export interface PlatformStatus {
  /** `linux/arm64/v8`. */
  readonly platform: string
  /** `null`: not looked at, because nothing has moved. */
  readonly slots: readonly {readonly name: string; readonly path: string}[] | null
  /** Whether its slot differs from the directory; `null`: there is none to compare with. */
  readonly differs: boolean | null
  /** `gone`: the vendor has no image for it any more. */
  readonly state: 'same' | 'moved' | 'gone' | 'new'
  /** The vendor's manifest, before and now; `null` if it is not known, or there is none. */
  readonly from: Digest | null
  readonly to: Digest | null
  /** Of the vendor's new image: layers that the old one had, and others with their bytes. */
  readonly layers: LayerChange | null
  /** RFC 3339: when the vendor's new image was made; `null` if it does not say, or is the old. */
  readonly since: string | null
  /** Files that slots merge with the vendor's; `null`: not looked at, because nothing has moved. */
  readonly merged: readonly MergedStatus[] | null
}

/** Whether the vendor's part of a merged file is another one in its new image. */
export interface MergedStatus {
  readonly slot: string
  readonly path: string
  readonly state: 'same' | 'moved' | 'unknown'
}

export interface LayerChange {
  readonly kept: number
  readonly changed: number
  /** Compressed bytes of the changed ones. */
  readonly bytes: number
}

/** An injected document, read as far as needed to know its vendor's digest. */
export interface StatusStart {
  readonly digest: Digest
  readonly origin: Origin
  /** The images, if they had to be read. */
  readonly images: LoadedImages | undefined
  readonly platforms: readonly PlatformStatus[]
}

/** Reads only what records the origin: for an index, the index itself. */
export async function startStatus(
  store: ContentStore,
  found: FoundDocument,
  signal: AbortSignal,
): Promise<StatusStart> {
  const {digest} = descriptorOf(found)
  if (found.kind === 'index') {
    const origin = originOfIndex(found.index)
    if (origin.digest !== undefined && origin.name !== undefined) {
      const entries = found.index.value.manifests.filter((entry) => entryKind(entry) === 'image')
      const platforms = entries.flatMap(({platform}) => (platform ? [sameStatus(platform)] : []))
      return {digest, origin, images: undefined, platforms}
    }
  }
  const images = await loadImages(store, found, signal)
  const platforms = images.images.map(({platform, image}) => sameStatus(platform, image))
  const [only] = images.images
  // a single image says it itself, even one without slots
  const origin = only && !images.tree ? originOf(only.image) : originOfLoaded(images)
  return {digest, origin, images, platforms}
}

/** The platforms of both, after the vendor's tag has moved, and the images that belong together. */
export function movedPlatforms(
  injected: LoadedImages,
  vendor: LoadedImages,
  what: string,
): {readonly platforms: readonly PlatformStatus[]; readonly pairs: readonly ImagePair[]} {
  const {pairs, added} = pairImages(injected, vendor, 'intersect', what)
  const known = injectedImages(injected).map((each): PlatformStatus => {
    const pair = pairs.find(({image}) => image === each.image)
    if (!pair) return {...sameStatus(each.platform, each.image), state: 'gone'}
    return compare(each.platform, each.image, pair.onto.image)
  })
  const others = added.map((platform) => ({...sameStatus(platform), state: 'new' as const}))
  return {platforms: [...known, ...others], pairs}
}

function compare(platform: Platform, image: Image, vendor: Image): PlatformStatus {
  const same = sameStatus(platform, image)
  const {digest} = vendor.manifest.descriptor
  if (same.from === digest) return {...same, to: digest}
  const own = new Set(image.config.value.rootfs.diff_ids)
  const diffIds = vendor.config.value.rootfs.diff_ids
  const {layers} = vendor.manifest.value
  const changed = layers.filter((_, at) => !own.has(diffIds[at] ?? digest))
  return {
    ...same,
    state: 'moved',
    to: digest,
    layers: {
      kept: layers.length - changed.length,
      changed: changed.length,
      bytes: changed.reduce((sum, {size}) => sum + size, 0),
    },
    since: vendor.config.value.created ?? null,
  }
}

function sameStatus(platform: Platform, image?: Image): PlatformStatus {
  return {
    platform: formatPlatform(platform),
    slots: image ? findSlots(image).map(({name, path}) => ({name, path})) : null,
    differs: null,
    state: 'same',
    from: (image && originOf(image).digest) ?? null,
    to: null,
    layers: null,
    since: null,
    merged: null,
  }
}
