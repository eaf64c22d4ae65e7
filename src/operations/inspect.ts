import {findSlots, type Slot} from '../image/slot.js'
import type {Digest} from '../oci/digest.js'
import {platformOf, type Platform} from '../oci/platform.js'
import {repositoryName, type Reference} from '../oci/reference.js'
import {loadImage} from './load-image.js'
import type {Ports} from './ports.js'

export interface InspectedLayer {
  readonly digest: Digest
  readonly diffId: Digest
  /** Compressed, in bytes. */
  readonly size: number
  readonly mediaType: string
  /** From the image's history; `undefined` where it has none. */
  readonly createdBy: string | undefined
  readonly created: string | undefined
  /** The slot that this layer is. */
  readonly slot: string | undefined
}

export interface InspectResult {
  readonly reference: string
  readonly digest: Digest
  readonly mediaType: string
  readonly platform: Platform
  readonly created: string | undefined
  /** Of all layers, compressed, in bytes. */
  readonly size: number
  readonly layers: readonly InspectedLayer[]
  readonly slots: readonly {
    readonly name: string
    readonly path: string
    readonly layer: number
    readonly diffId: Digest
    readonly digest: Digest
  }[]
}

/** What an image is made of, from its manifest and config alone: no layer is read. */
export async function inspect(
  {reference}: {readonly reference: Reference},
  ports: Ports,
): Promise<InspectResult> {
  const store = await ports.openStore(reference, {writes: false})
  try {
    const {image} = await loadImage(store, reference, ports)
    const {manifest, config} = image
    const {layers} = manifest.value
    const history = (config.value.history ?? []).filter((step) => step.empty_layer !== true)
    const slots = findSlots(image)
    return {
      reference: `${repositoryName(reference)}@${manifest.descriptor.digest}`,
      digest: manifest.descriptor.digest,
      mediaType: manifest.descriptor.mediaType,
      platform: platformOf(config.value),
      created: config.value.created,
      size: layers.reduce((sum, {size}) => sum + size, 0),
      layers: layers.map(({digest, size, mediaType}, index) => ({
        digest,
        diffId: config.value.rootfs.diff_ids[index] ?? digest,
        size,
        mediaType,
        createdBy: history[index]?.created_by,
        created: history[index]?.created,
        slot: slots.find((slot) => slot.layer === index)?.name,
      })),
      slots: slots.map(describeSlot),
    }
  } finally {
    await store.close()
  }
}

function describeSlot({
  name,
  path,
  layer,
  diffId,
  descriptor,
}: Slot): InspectResult['slots'][number] {
  return {name, path, layer, diffId, digest: descriptor.digest}
}
