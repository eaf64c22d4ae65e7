import {availableParallelism} from 'node:os'
import type {Layer} from '../../image/image.js'
import {hashLayer} from '../../layer/pack/hash-layer.js'
import type {LayerFormat} from '../../layer/pack/pack.js'
import type {PackedContent} from '../../layer/pack/packed-content.js'
import {outlook, type TarBounds} from '../../layer/shards/outlook.js'
import type {Entries, WalkedEntry} from '../../layer/tree/walked-entry.js'
import {layerCompression} from '../../oci/media-type.js'
import type {ContentStore} from '../../store/content-store.js'
import {
  dryPack,
  isBlobOf,
  type IsStanding,
  isThere,
  isUsable,
  type KnownLayer,
} from './known-layers.js'
import type {Ports} from '../../ports.js'
import {reportedWalk} from './walk-report.js'

/** The size from which a blob's content is hashed in a thread of its own, in bytes. */
const large = 16 * 1024 * 1024

export interface Comparison {
  /**
   * What the directory packs to; `undefined` when it differs from all of the known layers and
   * hashing stopped as soon as that was certain.
   */
  readonly content: PackedContent | undefined
  /** The known layer that it equals and that the store really has. */
  readonly layer: Layer | undefined
  /** Where the known layers say how new they are, and the directory is newer: see `Outlook`. */
  readonly share?: number | undefined
}

export interface CompareOptions extends LayerFormat {
  readonly known: readonly KnownLayer[]
  readonly isStanding: IsStanding
  /** Hash to the end in any case. */
  readonly exhaustive: boolean
  /** Names the content in progress reports. */
  readonly on: string
}

/**
 * Hashes the directory to find out whether it is one of `known`; reads nothing when there are none,
 * unless it must be exhaustive. Cheap checks come first: a tar cannot be larger than its compressed
 * form can hold, and a file cannot be newer than the newest one in a layer. Names and times are
 * looked at before anything is read: what is read only to see that it differs is read twice.
 */
export async function compare(
  store: ContentStore,
  entries: Entries,
  {known, exhaustive, on, isStanding, ...format}: CompareOptions,
  ports: Ports,
): Promise<Comparison> {
  const {report, signal, jobs = availableParallelism()} = ports
  if (known.length === 0 && !exhaustive) return {content: undefined, layer: undefined}
  report({kind: 'step', step: 'compare', on})
  const bounds: TarBounds = exhaustive
    ? {}
    : {
        limit: Math.max(...known.map(largestTar)),
        newest: Math.max(...known.map(({newest = Infinity}) => newest)),
      }
  const once = entries.walk && (await loadWalkedOnce())(entries, entries.walk)
  if (bounds.newest !== undefined && bounds.newest < Infinity) {
    const names = reportedWalk(once?.names ?? entries, {report})('names')
    const {isOut, share} = await outlook(names, bounds, signal)
    if (isOut) return {content: undefined, layer: undefined, share}
  }
  if (!exhaustive && !known.some((layer) => isProvenByHash(layer, isStanding))) {
    const packed = await dryPack(entries, format, ports)
    const layer = known.find((each) => isBlobOf(each, packed))
    const isHere = layer && (await isThere(store, layer, signal))
    return {content: packed.content, layer: isHere === true ? layer : undefined}
  }
  const onProgress = (done: number) => report({kind: 'bytes', done})
  // the known layers tell how much there will be
  const isLarge = known.some(({descriptor}) => descriptor.size > large)
  const inThread = isLarge && jobs > 1
  const content = await hashLayer(once?.content ?? entries, {
    signal,
    ...bounds,
    inThread,
    onProgress,
  })
  if (!content) return {content, layer: undefined}
  return findLayer(store, entries, {known, isStanding, content, ...format}, ports)
}

/**
 * Whether equal diff IDs would be enough to reuse the layer. If not, the entries would have to be
 * packed as well, so they are packed at once.
 */
function isProvenByHash(layer: KnownLayer, isStanding: IsStanding): boolean {
  if (layer.own) return true
  return layer.newest !== undefined && isStanding([layer], {newestMtime: layer.newest})
}

/** Few commands compare, and the import would slow down all of them. */
async function loadWalkedOnce() {
  const {walkedOnce} = await import('../../layer/recording/recorded-content.js')
  return walkedOnce
}

/** The layer that entries with this content equal. */
export async function findLayer(
  store: ContentStore,
  entries: () => Iterable<WalkedEntry>,
  {
    known,
    content,
    isStanding: stands,
    ...format
  }: Pick<CompareOptions, 'known' | 'isStanding' | keyof LayerFormat> & {
    readonly content: PackedContent
  },
  ports: Pick<Ports, 'report' | 'signal' | 'jobs'>,
): Promise<Comparison> {
  const layer = known.find(({diffId}) => diffId === content.diffId)
  if (!layer) return {content, layer: undefined}
  const presence = (each: Layer) => isThere(store, each, ports.signal)
  const isStanding = (each: Layer) => stands([each], content)
  const usable = await isUsable(layer, entries, {...format, presence, isStanding}, ports)
  return {content, layer: usable ? layer : undefined}
}

/** Deflate cannot shrink anything by more than 1,032 to 1. https://zlib.net/zlib_tech.html */
function largestTar({descriptor: {mediaType, size}}: Layer): number {
  const compression = layerCompression(mediaType)
  if (compression === 'none') return size
  return compression === 'gzip' ? size * 1032 : Infinity
}
