import {IntegrityError} from '../errors.js'
import {quoted} from '../oci/quoted.js'
import type {Image} from './image.js'
import {layerSteps} from './history.js'

/**
 * Throws `IntegrityError` (`ERR_INJECT_IMAGE_INCONSISTENT`) when manifest and config do not describe the same layers: as many layers as diff
 * IDs, and as many history entries that made a layer, unless there is no history at all, which the specification allows.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md#properties
 */
export function validateImage({manifest, config}: Image): void {
  const {rootfs, history = []} = config.value
  if (rootfs.type !== 'layers') {
    throw inconsistent(
      `the config's rootfs is of type ${quoted(rootfs.type)}`,
      'layers',
      rootfs.type.slice(0, 160),
    )
  }
  const layers = manifest.value.layers.length
  const diffIds = rootfs.diff_ids.length
  if (diffIds !== layers) {
    throw inconsistent('the config does not have one diff ID for each layer', layers, diffIds)
  }
  const steps = layerSteps(history).length
  if (history.length > 0 && steps !== layers) {
    throw inconsistent('the history does not have one entry for each layer', layers, steps)
  }
}

function inconsistent<T extends string | number>(
  why: string,
  expected: T,
  found: T,
): IntegrityError {
  return new IntegrityError(
    'ERR_INJECT_IMAGE_INCONSISTENT',
    `the image contradicts itself: ${why}`,
    {
      expected,
      found,
      hint: 'build or push the image again with the tool that made it',
    },
  )
}
