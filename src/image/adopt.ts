import {PreconditionError} from '../errors.js'
import {slotLabels} from '../oci/annotation.js'
import {quoted} from '../oci/quoted.js'
import {setOrRemove} from './config-edits.js'
import {editedImage} from './edited-image.js'
import type {Image} from './image.js'
import {findSlots, isLabelled} from './slot.js'
import {bytesOf, configDescriptorEdits, editMembers, textOf} from './text-edit.js'

/**
 * The image whose labels name the layer `wanted` as the one of its slot `name`: for a layer that
 * another tool has rewritten, so that its diff ID is not the one that the labels name. `wanted` is
 * its number, counted from 1 as `inspect` does, its digest or its diff ID. The same image when the
 * slot has that layer already. Throws `PreconditionError` (`ERR_INJECT_NOT_ADOPTED`) for an image
 * that was never labelled for the slot, for a slot that has not lost its layers, and for a layer
 * that is not there, is another slot's, or is the only one of the image, because an update would
 * replace all that the image holds.
 */
export function adopt(image: Image, name: string, wanted: string): Image {
  const {manifest, config} = image
  const {layers} = manifest.value
  const diffIds = config.value.rootfs.diff_ids
  if (!isLabelled(image, name)) {
    throw refused(`the image was never labelled for slot ${quoted(name)}`, 'leave out --adopt')
  }
  const at = layers.findIndex(({digest}, position) =>
    [String(position + 1), digest, diffIds[position]].includes(wanted),
  )
  const [layer, diffId] = [layers[at], diffIds[at]]
  if (!layer || diffId === undefined) {
    throw refused(`the image has no layer ${quoted(wanted)}`, 'inject inspect lists its layers')
  }
  const slots = findSlots(image)
  const owner = slots.find((slot) => slot.layers.some((each) => each.layer === at))
  const title = `layer ${at + 1}`
  if (owner && owner.name !== name)
    throw refused(`${title} belongs to slot ${quoted(owner.name)}`, 'choose another layer')
  const intact = slots.find((slot) => slot.name === name)
  if (intact) {
    if (owner && intact.layers.length === 1) return image
    throw refused(`slot ${quoted(name)} still has its own layers`, 'leave out --adopt')
  }
  if (layers.length === 1) {
    throw refused(
      `${title} is the only one: an update would replace all that the image holds`,
      'start from the image as it was before another tool flattened it',
    )
  }
  const keys = slotLabels(name)
  const labels = [
    [keys.tar, diffId],
    [keys.gzip, layer.digest],
    [keys.layers, undefined],
    [keys.sharding, undefined],
  ] as const
  const places = config.value.container_config ? ['config', 'container_config'] : ['config']
  const edits = places.flatMap((place) =>
    labels.map(([key, value]) => setOrRemove([place, 'Labels', key], value)),
  )
  const next = bytesOf(editMembers(textOf(config), edits))
  const own = bytesOf(editMembers(textOf(manifest), configDescriptorEdits(config, next)))
  return editedImage(image, {manifest: own, config: next})
}

function refused(why: string, hint: string): PreconditionError {
  return new PreconditionError('ERR_INJECT_NOT_ADOPTED', why, {hint})
}
