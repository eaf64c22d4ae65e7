import type {Image} from '../image/image.js'
import {type Digest, digestOf, hexOf} from '../oci/digest.js'

/** A layer as Docker knew it before images had configs: an image of its own, with a parent. */
export interface LegacyLayer {
  /** The name of its folder, in hex. */
  readonly id: string
  /** The content of its file `json`. */
  readonly json: string
}

/**
 * The layers of an image, base first, for `docker save`'s directories of old. An id is made of all
 * that is below it, so that layers in the same place of two images have the same one, and the
 * topmost one carries the image's config. https://github.com/moby/docker-image-spec/blob/main/v1.md
 */
export function legacyLayers({config: {value}}: Image): LegacyLayer[] {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- left out of the rest
  const {rootfs, history, ...config} = value
  const {os, architecture} = config
  const layers: LegacyLayer[] = []
  let chain: Digest | undefined
  for (const [at, diffId] of rootfs.diff_ids.entries()) {
    // https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md#layer-chainid
    chain = chain === undefined ? diffId : digestOf(Buffer.from(`${chain} ${diffId}`))
    const parent = layers.at(-1)?.id
    const own = at === rootfs.diff_ids.length - 1 ? config : {created: epoch, os, architecture}
    const link = parent === undefined ? {} : {parent}
    const id = hexOf(digestOf(Buffer.from(JSON.stringify({...own, layer_id: chain, ...link}))))
    layers.push({id, json: JSON.stringify({...own, id, ...link})})
  }
  return layers
}

const epoch = '1970-01-01T00:00:00Z'
