import {hasNamedConfig} from '../oci/manifest.js'
import {quoted} from '../oci/quoted.js'
import {countsUp} from './history.js'
import type {Image} from './image.js'

/**
 * What about an image is not as its specification has it, and is read all the same, as engines do:
 * one sentence each, without a full stop.
 */
export function findOddities({manifest, config}: Image): string[] {
  const {layers} = manifest.value
  const {history = []} = config.value
  const found: string[] = []
  if (!hasNamedConfig(manifest.value)) {
    const type = quoted(manifest.value.config.mediaType)
    found.push(`the image's config is of media type ${type}: read as an image's config`)
  }
  if (config.value.rootfs.type === '')
    found.push(`the image's config does not say that its rootfs is one of layers: taken for one`)
  if (!countsUp(history, layers.length)) {
    const steps = history.filter((step) => step.empty_layer !== true).length
    found.push(
      `the image's history has ${entries(steps)} for ${layers.length} layers: not used to tell how they were made`,
    )
  }
  return found
}

function entries(count: number): string {
  return count === 1 ? '1 entry' : `${count} entries`
}
