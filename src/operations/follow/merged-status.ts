import {InjectError} from '../../errors.js'
import type {Image} from '../../image/image.js'
import {findSlots} from '../../image/slot.js'
import {fromText} from '../../layer/byte-string.js'
import {formatPlatform} from '../../oci/platform.js'
import type {ContentStore} from '../../store/content-store.js'
import type {Ports} from '../../ports.js'
import {createLayerFiles, type LayerFiles} from '../merge/layer-files.js'
import {vendorLayers} from '../merge/vendor-layers.js'
import {createBaseLayers} from '../slot/entries/base-layers.js'
import {injectedImages, type LoadedImages} from './load-images.js'
import type {ImagePair} from './pair-images.js'
import {isSameFile} from './recompute-merges.js'
import {createLook} from './slot-index.js'
import type {MergedStatus, PlatformStatus} from './status-of-image.js'

/** Whether any slot of the images holds parts of the vendor's files. */
export function hasMergedFiles(images: LoadedImages): boolean {
  return injectedImages(images).some(({image}) => merged(image).length > 0)
}

/**
 * The platforms, with what became of the vendor's parts of merged files in its new images. Layers
 * of more than 128 MiB that are not known are not read for this, and damaged ones do not fail:
 * then the state is `unknown`. Throws what fetching layers throws.
 */
export async function withMergedFiles(
  store: ContentStore,
  platforms: readonly PlatformStatus[],
  pairs: readonly ImagePair[],
  ports: Ports,
): Promise<readonly PlatformStatus[]> {
  const layers = createBaseLayers(store, ports)
  const look = createLook(layers, 'auto')
  const files = createLayerFiles(store, {...layers, read: (layer) => look.read(layer)}, ports)
  const found: PlatformStatus[] = []
  for (const each of platforms) {
    const pair = pairs.find(({platform}) => formatPlatform(platform) === each.platform)
    const isMoved = each.state === 'moved' && pair !== undefined
    found.push(isMoved ? {...each, merged: await statesOf(pair, files)} : each)
  }
  return found
}

async function statesOf({image, onto}: ImagePair, files: LayerFiles): Promise<MergedStatus[]> {
  const states: MergedStatus[] = []
  for (const {slot, file} of merged(image)) {
    const {path} = file
    try {
      const vendor = vendorLayers(onto.image, undefined)
      const next = await files.find(vendor, fromText(path.slice(1)))
      states.push({slot, path, state: isSameFile(file, next) ? 'same' : 'moved'})
    } catch (error) {
      if (!(error instanceof InjectError) || error.code !== 'ERR_INJECT_LAYER_UNREADABLE')
        throw error
      states.push({slot, path, state: 'unknown'})
    }
  }
  return states
}

function merged(image: Image) {
  return findSlots(image).flatMap(({name: slot, merges}) => merges.map((file) => ({slot, file})))
}
