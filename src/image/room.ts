import {LimitError} from '../errors.js'
import type {Image} from './image.js'
import {mostLayers} from './sharding.js'
import type {Slot} from './slot.js'

/**
 * Throws `LimitError` (`ERR_INJECT_IMAGE_FULL`) for an image without the slot that has as many
 * layers as an image can have: engines would not run what comes out.
 */
export function checkRoom({manifest}: Image, slot: Slot | undefined): void {
  const layers = manifest.value.layers.length
  if (slot || layers < mostLayers) return
  throw new LimitError(
    'ERR_INJECT_IMAGE_FULL',
    `the image has ${layers} layers, and ${mostLayers} is all it can have: there is no room for a slot`,
    {
      expected: mostLayers,
      found: layers + 1,
      hint: 'squash some layers of the image first, or put the content into a slot that it has (--name)',
    },
  )
}
