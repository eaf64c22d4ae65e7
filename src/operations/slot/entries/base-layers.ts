import {InjectError, unlessFailed} from '../../../errors.js'
import type {Image, NumberedLayer} from '../../../image/image.js'
import type {Slot} from '../../../image/slot.js'
import {layerTitle} from '../../../layer/in-layer.js'
import type {LayerIndex} from '../../../layer/contents/layer-index.js'
import {tocPlace, type TocPlace} from '../../../layer/contents/toc-place.js'
import {type Digest, digestOf} from '../../../oci/digest.js'
import {isForeignLayer, layerCompression} from '../../../oci/media-type.js'
import type {ContentStore} from '../../../store/content-store.js'
import {type RangeReader, readsRanges} from '../../../store/range-reader.js'
import {type Ports, tolerate} from '../../../ports.js'

/** The contents of the layers of images; each layer is read at most once in a run. */
export interface BaseLayers {
  /** The names in a layer that is known; `undefined` if it would have to be read. */
  known(layer: NumberedLayer): Promise<LayerIndex | undefined>
  /**
   * The same, also by the table of contents that is in the layer; `undefined` if all of it would
   * have to be read.
   */
  peek(layer: NumberedLayer): Promise<LayerIndex | undefined>
  /**
   * Reads the layer if it is not known; `undefined`, with a warning, if it cannot be read. Throws
   * `IntegrityError` if the layer does not match its digest and diff ID.
   */
  read(layer: NumberedLayer): Promise<LayerIndex | undefined>
}

/**
 * The readable layers, newest first; `onUnreadable` is called for the others. Foreign layers are
 * left out.
 */
export function baseLayers(
  {manifest, config}: Image,
  slot: Slot | undefined,
  onUnreadable: (layer: NumberedLayer) => void = () => undefined,
): NumberedLayer[] {
  const own = new Set(slot?.layers.map(({layer}) => layer))
  const layers = manifest.value.layers.flatMap((descriptor, position): NumberedLayer[] => {
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

/**
 * Layer contents of one run; `layerIndexes` of the ports remembers them beyond the run. What reads
 * layers is loaded when one has to be read.
 */
export function createBaseLayers(store: ContentStore, ports: Ports): BaseLayers {
  const {layerIndexes, report, signal} = ports
  const found = new Map<Digest, LayerIndex | undefined>()
  let readRange: RangeReader['readRange'] | undefined
  if (readsRanges(store)) readRange = store.readRange.bind(store)

  async function kept(key: Digest): Promise<LayerIndex | undefined> {
    const index = found.get(key) ?? (await layerIndexes?.get(key))
    if (index) found.set(key, index)
    return index
  }

  async function keep(key: Digest, index: LayerIndex): Promise<void> {
    found.set(key, index)
    await layerIndexes?.put(key, index)
  }

  async function known(layer: NumberedLayer): Promise<LayerIndex | undefined> {
    const table = tocPlace(layer.descriptor)
    return (await kept(layer.diffId)) ?? (table && kept(tocKey(layer, table)))
  }

  async function peek(layer: NumberedLayer): Promise<LayerIndex | undefined> {
    const {descriptor} = layer
    const before = await known(layer)
    const table = tocPlace(descriptor)
    if (before || !table || !readRange || descriptor.size < smallLayer) return before
    const key = tocKey(layer, table)
    if (found.has(key)) return undefined
    report({kind: 'step', step: 'read image', on: `layer ${descriptor.digest}`})
    const read = async (offset: number, length: number): Promise<Uint8Array | undefined> => {
      const part = await readRange?.(descriptor, {offset, length}, {signal})
      // other layers are not asked for in parts, either
      if (!part) readRange = undefined
      return part
    }
    const {readToc} = await import('../../../layer/contents/read-toc.js')
    // without the table the layer itself is read, which says what is wrong
    const index = await unlessFailed(() => readToc(table, descriptor.size, read))
    if (index) await keep(key, index)
    else found.set(key, undefined)
    return index
  }

  return {
    known,
    peek,
    async read(layer) {
      const before = await peek(layer)
      const {descriptor, diffId} = layer
      if (before || found.has(diffId)) return before
      report({kind: 'step', step: 'read image', on: `layer ${descriptor.digest}`})
      const {readLayerIndex} = await import('../../../layer/contents/layer-index.js')
      const blob = await store.openBlob(descriptor, {signal})
      try {
        const place = {number: layer.number, digest: descriptor.digest}
        const index = await readLayerIndex(blob, {...descriptor, diffId, place}, signal)
        await keep(diffId, index)
        return index
      } catch (error) {
        if (!(error instanceof InjectError) || !unreadable.has(error.code)) throw error
        found.set(diffId, undefined)
        tolerate(`${error.message}: it cannot be looked into`, ports)
        return undefined
      }
    },
  }
}

/** Of a smaller layer a part is as much work as all of it. */
const smallLayer = 256 * 1024

/**
 * What a table says is remembered for this table only: the same content may be in other images
 * that have none, or another one, and nobody has compared the two.
 */
function tocKey({diffId}: NumberedLayer, {digest}: TocPlace): Digest {
  return digestOf(Buffer.from(`${diffId} ${digest}`))
}

/** For messages: number and digest. */
export function nameOf({number, descriptor: {digest}}: NumberedLayer): string {
  return layerTitle({number, digest})
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
