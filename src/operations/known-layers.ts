import type {Image, Layer} from '../image/image.js'
import {findSlot} from '../image/slot.js'
import {InjectError} from '../errors.js'
import {hashLayer, type PackedContent} from '../layer/pack.js'
import type {WalkedEntry} from '../layer/walk.js'
import {isDigest} from '../oci/digest.js'
import {layerCompression, layerMediaType, type MediaFamily} from '../oci/media-type.js'
import type {ContentStore, TagMove} from '../store/content-store.js'
import {fetchImage} from './load-image.js'
import type {Ports} from './ports.js'

/**
 * Layers of this slot that the repository holds already: the image's own, and those of the images that the tags name now (a nightly job
 * injects into the same base again and again). When the directory packs to one of them, nothing needs to be compressed or sent.
 */
export async function knownLayers(
  store: ContentStore,
  image: Image,
  name: string,
  moves: readonly TagMove[],
  signal: AbortSignal,
): Promise<Layer[]> {
  const images = [image]
  for (const {from} of moves) {
    if (!isDigest(from) || images.some(({manifest}) => manifest.descriptor.digest === from))
      continue
    const other = await imageAt(store, from, signal)
    if (other) images.push(other)
  }
  return images.flatMap((known) => {
    const slot = findSlot(known, name)
    return slot ? [{descriptor: slot.descriptor, diffId: slot.diffId}] : []
  })
}

export interface Comparison {
  /** What the directory packs to; `undefined` when it is none of the known layers and hashing stopped as soon as that was certain. */
  readonly content: PackedContent | undefined
  /** The known layer that it is. */
  readonly layer: Layer | undefined
}

/**
 * Hashes the directory to see whether it is one of `known`; reads nothing when there are none. `exhaustive`: to its end in any case. What costs
 * little to rule out is ruled out early: a tar cannot be larger than its compressed form can possibly hold.
 */
export async function compare(
  known: readonly Layer[],
  entries: () => Iterable<WalkedEntry>,
  {exhaustive, on}: {readonly exhaustive: boolean; readonly on: string},
  {report, signal}: Ports,
): Promise<Comparison> {
  if (known.length === 0 && !exhaustive) return {content: undefined, layer: undefined}
  report({kind: 'step', step: 'compare', on})
  const limit = exhaustive ? Infinity : Math.max(...known.map(largestTar))
  const content = await hashLayer(entries, {
    signal,
    limit,
    onProgress: (done) => report({kind: 'bytes', done}),
  })
  return {content, layer: known.find(({diffId}) => diffId === content?.diffId)}
}

/** The layer as an image of `family` would name it: the same blob, and nothing of what another manifest said about it. */
export function asLayerOf(
  family: MediaFamily,
  {descriptor: {mediaType, digest, size}, diffId}: Layer,
): Layer {
  const compression = layerCompression(mediaType)
  const own =
    compression === 'gzip' || compression === 'none'
      ? layerMediaType(family, compression)
      : mediaType
  return {descriptor: {mediaType: own, digest, size}, diffId}
}

/** Deflate cannot shrink anything by more than 1,032 to 1. https://zlib.net/zlib_tech.html */
function largestTar({descriptor: {mediaType, size}}: Layer): number {
  const compression = layerCompression(mediaType)
  if (compression === 'none') return size
  return compression === 'gzip' ? size * 1032 : Infinity
}

/** An image that cannot be read, of whatever kind, is no reason to fail: it only cannot save us work. */
async function imageAt(
  store: ContentStore,
  digest: string,
  signal: AbortSignal,
): Promise<Image | undefined> {
  try {
    return await fetchImage(store, digest, signal)
  } catch (error) {
    if (error instanceof InjectError) return undefined
    throw error
  }
}
