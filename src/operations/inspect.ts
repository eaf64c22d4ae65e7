import type {Image} from '../image/image.js'
import {artifactEntries} from '../image/index/index-tree.js'
import type {Sharding} from '../image/sharding.js'
import {type Origin, originOf, originOfIndex} from '../image/follow/origin.js'
import {layerSteps} from '../image/history.js'
import {findSlots, type Slot} from '../image/slot.js'
import {type LazyFormat, lazyFormat} from '../oci/annotation.js'
import type {Digest} from '../oci/digest.js'
import {platformOf, type Platform} from '../oci/platform.js'
import {formatReference, repositoryName, type Reference} from '../oci/names/reference.js'
import {fetchImage} from './find/fetch-image.js'
import {findDocument} from './find/find-document.js'
import {loadFound} from './find/load-image.js'
import {loadIndex, unlessArtifact} from './find/load-index.js'
import {reportOddities} from './find/report-oddities.js'
import type {Ports} from '../ports.js'

export interface InspectedLayer {
  readonly digest: Digest
  readonly diffId: Digest
  /** Compressed, in bytes. */
  readonly size: number
  readonly mediaType: string
  /** From the image's history; `undefined` if it has none. */
  readonly createdBy: string | undefined
  readonly created: string | undefined
  /** The slot that this layer is. */
  readonly slot: string | undefined
  /** It has a table of contents: clients that know the format fetch only what they lack. */
  readonly lazy: LazyFormat | undefined
}

export interface InspectResult {
  readonly reference: string
  readonly digest: Digest
  readonly mediaType: string
  readonly platform: Platform
  readonly created: string | undefined
  /** The image that the first slot was put into, as far as it is recorded. */
  readonly origin: Origin
  /** Of all layers, compressed, in bytes. */
  readonly size: number
  readonly layers: readonly InspectedLayer[]
  readonly slots: readonly {
    readonly name: string
    readonly path: string
    /** Of its lowest layer, as `diffId` and `digest`. */
    readonly layer: number
    readonly diffId: Digest
    readonly digest: Digest
    /** How its content was to be divided: `auto`, or the most layers it may have. */
    readonly sharding: Sharding
    /** Lowest first. */
    readonly layers: readonly {
      readonly layer: number
      readonly diffId: Digest
      readonly digest: Digest
    }[]
    /** Files that hold the vendor's part and the slot's, and how they were joined. */
    readonly merges: readonly {readonly path: string; readonly as: string}[]
  }[]
}

/** An index, with a summary of its images. */
export interface InspectIndexResult {
  readonly reference: string
  readonly digest: Digest
  readonly mediaType: string
  /** The index that the first slot was put into, as far as it is recorded. */
  readonly origin: Origin
  readonly images: readonly Pick<
    InspectResult,
    'digest' | 'platform' | 'size' | 'slots' | 'mediaType'
  >[]
  /** Entries that are not images: SBOMs, attestations, modules. */
  readonly artifacts: readonly Pick<InspectResult, 'digest' | 'size' | 'mediaType'>[]
}

/**
 * Describes an image from its manifest and config alone, without reading a layer. For an index: its
 * images, or the image for the chosen platform.
 */
export async function inspect(
  {reference, platform}: {readonly reference: Reference; readonly platform?: Platform | undefined},
  ports: Ports,
): Promise<InspectResult | InspectIndexResult> {
  const store = await ports.openStore(reference, {writes: false})
  try {
    const found = await findDocument(store, reference, ports)
    const {signal} = ports
    if (platform !== undefined || found.kind === 'image') {
      const choice = {what: formatReference(reference), platforms: platform && [platform]}
      const image = await loadFound(store, found, choice, signal)
      reportOddities(image, ports)
      return describe(reference, image)
    }
    const {tree, images, artifacts} = await loadIndex(store, found.index, signal)
    const {digest, mediaType} = tree.index.descriptor
    const described = []
    const others = [...artifactEntries(tree), ...artifacts]
    for (const {entry, platform: own} of images) {
      const image = await unlessArtifact(() => fetchImage(store, entry.digest, signal))
      if (image === 'artifact') {
        others.push(entry)
        continue
      }
      if (image) reportOddities(image, ports)
      const {size, slots} = image ? describe(reference, image) : {size: 0, slots: []}
      described.push({digest: entry.digest, mediaType: entry.mediaType, platform: own, size, slots})
    }
    return {
      reference: `${repositoryName(reference)}@${digest}`,
      digest,
      mediaType,
      origin: originOfIndex(tree.index),
      images: described,
      artifacts: others.map(({digest, size, mediaType}) => ({digest, size, mediaType})),
    }
  } finally {
    await store.close()
  }
}

function describe(reference: Reference, image: Image): InspectResult {
  const {manifest, config} = image
  const {layers} = manifest.value
  const {history = []} = config.value
  const steps = layerSteps(history, layers.length)
  const slots = findSlots(image)
  const slotAt = new Map(
    slots.flatMap(({name, layers: own}) => own.map(({layer: at}) => [at, name] as const)),
  )
  return {
    reference: `${repositoryName(reference)}@${manifest.descriptor.digest}`,
    digest: manifest.descriptor.digest,
    mediaType: manifest.descriptor.mediaType,
    platform: platformOf(config.value),
    created: config.value.created,
    origin: originOf(image),
    size: layers.reduce((sum, {size}) => sum + size, 0),
    layers: layers.map(({digest, size, mediaType, annotations}, index) => ({
      digest,
      diffId: config.value.rootfs.diff_ids[index] ?? digest,
      size,
      mediaType,
      createdBy: history[steps[index] ?? -1]?.created_by,
      created: history[steps[index] ?? -1]?.created,
      slot: slotAt.get(index),
      lazy: lazyFormat(annotations),
    })),
    slots: slots.map(describeSlot),
  }
}

function describeSlot({
  name,
  path,
  layer,
  diffId,
  descriptor,
  sharding,
  layers,
  merges,
}: Slot): InspectResult['slots'][number] {
  return {
    name,
    path,
    layer,
    diffId,
    digest: descriptor.digest,
    sharding,
    layers: layers.map((each) => ({
      layer: each.layer,
      diffId: each.diffId,
      digest: each.descriptor.digest,
    })),
    merges: merges.map(({path: merged, as}) => ({path: merged, as})),
  }
}
