import type {Image, NumberedLayer} from '../../image/image.js'
import {findSlot, numberedLayers} from '../../image/slot.js'
import {rulesOf} from '../../layer/unpack/unpack-layers.js'
import type {ContentStore} from '../../store/content-store.js'
import type {Ports} from '../../ports.js'
import {chosenName} from '../find/chosen-name.js'
import {layerParts} from '../parts/layer-table.js'
import type {TreeLayer, TreeSource} from './read-trees.js'
import type {ImagePart} from './side.js'

/** A tree of an image. */
export interface ImageTree {
  readonly source: TreeSource & {readonly kind: 'layers'}
  /** `undefined` for the whole image. */
  readonly slot:
    | {
        readonly name: string
        /** `undefined`: the image does not have the slot, and the tree is empty. */
        readonly path: string | undefined
      }
    | undefined
}

/** Finds the layers of the tree. Throws what `chosenName` and `findSlot` throw. */
export function imageTree(
  image: Image,
  part: ImagePart,
  store: ContentStore,
  ports: Pick<Ports, 'report'>,
): ImageTree {
  const opened = (layer: NumberedLayer): TreeLayer => ({
    ...layer,
    open: (signal) => store.openBlob(layer.descriptor, {signal}),
    parts: layerParts(store, layer.descriptor),
  })
  if (part.kind === 'all') {
    const diffIds = image.config.value.rootfs.diff_ids
    const layers = image.manifest.value.layers.map((descriptor, position) => {
      const diffId = diffIds[position] ?? descriptor.digest
      return {descriptor, diffId, number: position + 1}
    })
    return {source: {kind: 'layers', layers: layers.map(opened)}, slot: undefined}
  }
  const name = chosenName([image], part.name, ports)
  const slot = findSlot(image, name)
  const windows = image.config.value.os === 'windows'
  const rules = rulesOf({path: slot?.path ?? '/', devices: true, windows})
  const layers = (slot ? numberedLayers(slot) : []).map(opened)
  return {source: {kind: 'layers', layers, rules}, slot: {name, path: slot?.path}}
}
