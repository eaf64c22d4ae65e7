import type {NumberedLayer} from '../../image/image.js'
import type {LayerIndex} from '../../layer/contents/layer-index.js'
import type {BaseLayers} from '../slot/entries/base-layers.js'

/** Which layers are read for their contents: those up to 128 MiB, all, or none. */
export const lookPolicies = ['auto', 'all', 'none'] as const
export type LookPolicy = (typeof lookPolicies)[number]

/** The largest layer that `auto` reads, in compressed bytes. */
const largestLayer = 128 * 1024 * 1024

/** Reads layers as far as a policy allows. */
export interface Look {
  /** `undefined` for a layer that is not read or not readable. */
  read(layer: NumberedLayer): Promise<LayerIndex | undefined>
  /** Whether any layer was not read. */
  isPartial(): boolean
}

/** Lists the contents of layers; those known from earlier runs are not read. */
export function createLook(layers: BaseLayers, policy: LookPolicy): Look {
  let isPartial = false
  return {
    async read(layer) {
      const known = await layers.known(layer)
      const isRead = policy === 'all' || layer.descriptor.size <= largestLayer
      const index = known ?? (isRead ? await layers.read(layer) : undefined)
      isPartial ||= index === undefined
      return index
    },
    isPartial: () => isPartial,
  }
}
