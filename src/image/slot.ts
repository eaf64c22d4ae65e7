import {IntegrityError, PreconditionError} from '../errors.js'
import {slotLabels, slotNameOf} from '../oci/annotation.js'
import type {Descriptor} from '../oci/descriptor.js'
import type {Digest} from '../oci/digest.js'
import {quoted} from '../oci/quoted.js'
import {isSlotStep, layerSteps} from './history.js'
import type {Image} from './image.js'
import {isSlotPath} from './slot-path.js'

/** The named place of an injected layer in one image. */
export interface Slot {
  readonly name: string
  /** Position of its layer, in the manifest's layers as in the config's diff IDs. */
  readonly layer: number
  /** Position of its entry in the config's history; `undefined` when the image has no history. */
  readonly history: number | undefined
  /** Where in the image its directory belongs. */
  readonly path: string
  readonly diffId: Digest
  readonly descriptor: Descriptor
}

/**
 * The slot called `name`; `undefined` when the image never had it. Throws `PreconditionError` (`ERR_INJECT_SLOT_LOST`) when it had, but the
 * labelled layer is gone, and `IntegrityError` (`ERR_INJECT_SLOT_PATH_INVALID`) when the label for its path holds no such thing.
 */
export function findSlot(image: Image, name: string): Slot | undefined {
  const labels = labelsOf(image)
  const keys = slotLabels(name)
  const diffId = labels.get(keys.tar)
  if (diffId === undefined) return undefined
  const slot = slotAt(image, name, diffId, labels.get(keys.path) ?? '/')
  if (slot) return slot
  throw new PreconditionError(
    'ERR_INJECT_SLOT_LOST',
    `the image is labelled for slot ${quoted(name)}, but has no layer with diff ID ${quoted(diffId)}`,
    {
      hint: 'the layer was flattened or removed: start from the image as it was before, or use another --name',
    },
  )
}

/** All slots of an image, in the order of their layers. Those whose layer is gone are left out; `findSlot` says so of each. */
export function findSlots(image: Image): Slot[] {
  const labels = labelsOf(image)
  const slots = [...labels].flatMap(([label, diffId]) => {
    const name = slotNameOf(label)
    if (name === undefined) return []
    return slotAt(image, name, diffId, labels.get(slotLabels(name).path) ?? '/') ?? []
  })
  return slots.sort((a, b) => a.layer - b.layer)
}

/** A map, because any text can be a label, the names of what objects inherit among them. */
function labelsOf({config}: Image): Map<string, string> {
  return new Map(Object.entries(config.value.config?.Labels ?? {}))
}

function slotAt(image: Image, name: string, diffId: string, path: string): Slot | undefined {
  const {manifest, config} = image
  const {history = [], rootfs} = config.value
  const steps = layerSteps(history)
  const same = manifest.value.layers.flatMap((descriptor, layer) => {
    const own = rootfs.diff_ids[layer]
    return own === diffId ? [{layer, history: steps[layer], diffId: own, descriptor}] : []
  })
  // equal layers have equal diff IDs (two empty ones, say): then the history tells which of them is the slot's
  const found =
    same.findLast((slot) => isSlotStep(history[slot.history ?? -1], name)) ?? same.at(-1)
  return found && {name, path: checkPath(path, name), ...found}
}

function checkPath(path: string, name: string): string {
  if (isSlotPath(path)) return path
  throw new IntegrityError(
    'ERR_INJECT_SLOT_PATH_INVALID',
    `the image's label ${quoted(slotLabels(name).path)} is not a path: ${quoted(path)}`,
  )
}
