import type {Image} from '../../image/image.js'

/** What a client that has the first image fetches for the second one, by digests. */
export interface PullCost {
  /** The bytes of the layers and the config. */
  readonly bytes: number
  /** Layers that are fetched. */
  readonly layers: number
  /** Layers that the second image has. */
  readonly of: number
  /** The bytes of the manifest; 0 if it is the same. */
  readonly manifestBytes: number
}

/** Each blob counts once, even if it is several layers. */
export function pullCost(first: Image | undefined, second: Image): PullCost {
  const {config, layers} = second.manifest.value
  const there = new Set(
    first ? [first.manifest.value.config, ...first.manifest.value.layers].map(digestIn) : [],
  )
  const isSame = first?.manifest.descriptor.digest === second.manifest.descriptor.digest
  const missing = layers.filter(({digest}) => !there.has(digest))
  const blobs = new Map(
    [config, ...layers]
      .filter(({digest}) => !there.has(digest))
      .map(({digest, size}) => [digest, size]),
  )
  return {
    bytes: [...blobs.values()].reduce((sum, size) => sum + size, 0),
    layers: new Set(missing.map(digestIn)).size,
    of: layers.length,
    manifestBytes: isSame ? 0 : second.manifest.descriptor.size,
  }
}

function digestIn({digest}: {readonly digest: string}): string {
  return digest
}
