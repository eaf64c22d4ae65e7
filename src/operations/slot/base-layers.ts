import {InjectError} from '../../errors.js'
import type {Image, Layer} from '../../image/image.js'
import type {Slot} from '../../image/slot.js'
import {type LayerIndex, readLayerIndex} from '../../layer/pack/layer-index.js'
import type {Digest} from '../../oci/digest.js'
import {isForeignLayer, layerCompression} from '../../oci/media-type.js'
import type {ContentStore} from '../../store/content-store.js'
import {type Ports, tolerate} from '../../ports.js'

/** A layer of an image that does not belong to the slot, with its number, counted from 1. */
export interface BaseLayer extends Layer {
  readonly number: number
}

/** The contents of the layers of images; each layer is read at most once in a run. */
export interface BaseLayers {
  /** The names in a layer that is known; `undefined` if it would have to be read. */
  known(layer: BaseLayer): Promise<LayerIndex | undefined>
  /**
   * Reads the layer if it is not known; `undefined`, with a warning, if it cannot be read. Throws
   * `IntegrityError` if the layer does not match its digest and diff ID.
   */
  read(layer: BaseLayer): Promise<LayerIndex | undefined>
}

/**
 * The readable layers, newest first; `onUnreadable` is called for the others. Foreign layers are
 * left out.
 */
export function baseLayers(
  {manifest, config}: Image,
  slot: Slot | undefined,
  onUnreadable: (layer: BaseLayer) => void = () => undefined,
): BaseLayer[] {
  const own = new Set(slot?.layers.map(({layer}) => layer))
  const layers = manifest.value.layers.flatMap((descriptor, position): BaseLayer[] => {
    const diffId = config.value.rootfs.diff_ids[position]
    if (own.has(position) || diffId === undefined) return []
    const layer = {descriptor, diffId, number: position + 1}
    const {mediaType} = descriptor
    if (layerCompression(mediaType) !== undefined && !isForeignLayer(mediaType)) return [layer]
    onUnreadable(layer)
    return []
  })
  return layers.reverse()
}

/** Layer contents of one run; `layerIndexes` of the ports remembers them beyond the run. */
export function createBaseLayers(store: ContentStore, ports: Ports): BaseLayers {
  const {layerIndexes, report, signal} = ports
  const found = new Map<Digest, LayerIndex | undefined>()

  async function known({diffId}: BaseLayer): Promise<LayerIndex | undefined> {
    const index = found.get(diffId) ?? (await layerIndexes?.get(diffId))
    if (index) found.set(diffId, index)
    return index
  }

  return {
    known,
    async read(layer) {
      const before = await known(layer)
      const {descriptor, diffId} = layer
      if (before || found.has(diffId)) return before
      report({kind: 'step', step: 'read image', on: `layer ${descriptor.digest}`})
      const blob = await store.openBlob(descriptor, {signal})
      try {
        const index = await readLayerIndex(blob, {...descriptor, diffId}, signal)
        found.set(diffId, index)
        await layerIndexes?.put(diffId, index)
        return index
      } catch (error) {
        if (!(error instanceof InjectError) || !unreadable.has(error.code)) throw error
        found.set(diffId, undefined)
        tolerate(`${nameOf(layer)} cannot be looked into: ${error.message}`, ports)
        return undefined
      }
    },
  }
}

/** For messages: number and digest. */
export function nameOf({number, descriptor}: BaseLayer): string {
  return `layer ${number} (${descriptor.digest})`
}

/** Errors about the layer as it was made, not about its transfer. */
const unreadable: ReadonlySet<string> = new Set([
  'ERR_INJECT_LAYER_CORRUPT',
  'ERR_INJECT_COMPRESSION_UNSUPPORTED',
  'ERR_INJECT_LAYER_RATIO',
  'ERR_INJECT_LAYER_TOO_LARGE',
  'ERR_INJECT_XATTR_TOO_LARGE',
  'ERR_INJECT_ZSTD_WINDOW_TOO_LARGE',
])
