import {setMaxListeners} from 'node:events'
import {isDeepStrictEqual} from 'node:util'
import type {Image, Layer} from '../../image/image.js'
import {findSlot, type Slot} from '../../image/slot.js'
import {type LayerFormat, packLayer} from '../../layer/pack/pack.js'
import type {PackedContent} from '../../layer/pack/packed-content.js'
import type {Entries, WalkedEntry} from '../../layer/tree/walked-entry.js'
import {chunkedAnnotations} from '../../oci/annotation.js'
import {type Digest, isDigest} from '../../oci/digest.js'
import type {ContentStore, TagMove} from '../../store/content-store.js'
import {drain, measured} from '../../stream/bytes.js'
import type {LoadedTargets, Target} from '../find/load-targets.js'
import {type ReadDocuments, readImages} from '../find/read-documents.js'
import type {Ports} from '../../ports.js'
import type {SlotFacts} from './content.js'

/**
 * A layer of this slot that the repository should already have. `own`: it belongs to the images
 * that are worked on, not to others.
 */
export interface KnownLayer extends Layer {
  readonly own: boolean
  /** One of several layers of its slot. */
  readonly isShard: boolean
  /** Seconds since the epoch, the newest mtime in the layer; `undefined` when it is unknown. */
  readonly newest: number | undefined
}

/**
 * Layers of the slot that the repository should already have: those of the targets, of the other
 * images of their index if not all targets have the same, and of what the tags name now (a nightly
 * job injects into the same base repeatedly). When the content packs to one of them, nothing needs
 * to be sent.
 */
export type FindKnownLayers = (targets: readonly Target[]) => Promise<KnownLayer[]>

/** Where to look for layers of a slot. */
export interface KnownPlaces {
  readonly loaded: LoadedTargets
  readonly moves: readonly TagMove[]
  readonly readDocuments: ReadDocuments
}

/** Finds the layers of one slot. Other images are read only when they are needed, and once. */
export function createKnownLayers(
  store: ContentStore,
  {loaded, moves, readDocuments}: KnownPlaces,
  signal: AbortSignal,
): FindKnownLayers {
  const seen = new Set<string>(loaded.targets.map(({image}) => image.manifest.descriptor.digest))
  if (loaded.tree) seen.add(loaded.tree.index.descriptor.digest)
  const layersOf = (image: Image): KnownLayer[] => layersIn(findSlot(image, loaded.name), false)
  const inSiblings = once(async () => {
    const siblings = loaded.others.map(({entry}) => entry.digest)
    return (await readImages(store, siblings, signal)).flatMap(layersOf)
  })
  const atTags = once(async () => {
    const known: KnownLayer[] = []
    for (const from of new Set(moves.map((move) => move.from))) {
      if (!isDigest(from) || seen.has(from)) continue
      const document = await readDocuments(from)
      known.push(...(document?.images ?? []).flatMap(layersOf))
    }
    return known
  })
  return async (targets) => {
    const own = ownLayers(targets)
    const isComplete = own.length > 0 && own.every((layer) => layer.own)
    return [...own, ...(isComplete ? [] : await inSiblings()), ...(await atTags())]
  }
}

function once<T>(find: () => Promise<T>): () => Promise<T> {
  let found: Promise<T> | undefined
  return () => (found ??= find())
}

/**
 * Information from one image about its layers is not trusted for another one: `own` are the layers
 * that all of the targets have.
 */
function ownLayers(targets: readonly Target[]): KnownLayer[] {
  const found = new Map<string, {layer: KnownLayer; images: number}>()
  for (const {slot} of targets) {
    for (const layer of layersIn(slot, true)) {
      const key = `${layer.diffId} ${layer.descriptor.digest}`
      found.set(key, {layer, images: (found.get(key)?.images ?? 0) + 1})
    }
  }
  return [...found.values()].map(({layer, images}) => ({...layer, own: images === targets.length}))
}

/** The layers of an existing slot. */
function layersIn(slot: Slot | undefined, own: boolean): KnownLayer[] {
  const layers = slot?.layers ?? []
  const isShard = layers.length > 1
  return layers.map(({descriptor, diffId, newest}) => ({descriptor, diffId, own, isShard, newest}))
}

/**
 * The known layers that can be compared with the new content: a single layer with a single layer,
 * and several with several.
 */
export function alike(known: readonly KnownLayer[], isShard: boolean): KnownLayer[] {
  return known.filter((layer) => layer.isShard === isShard)
}

/** Whether the store has a layer. */
export type Presence = (layer: Layer) => Promise<boolean>

/**
 * Checks all of these layers at once when the first one is asked for, because there may be many and
 * each answer takes time.
 */
export function createPresence(
  store: ContentStore,
  known: readonly Layer[],
  signal: AbortSignal,
): Presence {
  const answers = new Map<string, Promise<boolean>>()
  // one listener per layer is not a leak
  const own = AbortSignal.any([signal])
  setMaxListeners(0, own)
  const ask = (layer: Layer): Promise<boolean> => {
    const {digest} = layer.descriptor
    const answer = answers.get(digest) ?? isThere(store, layer, own)
    answers.set(digest, answer)
    return answer
  }
  return (layer) => {
    // a caller that never asks for this layer must not see its error
    for (const each of known) ask(each).catch(() => undefined)
    return ask(layer)
  }
}

/** Checks those that all targets have with the first, and any other one when it is asked for. */
export function presenceOf(
  store: ContentStore,
  known: readonly KnownLayer[],
  signal: AbortSignal,
): Presence {
  const own = known.filter((layer) => layer.own)
  return createPresence(store, own, signal)
}

/** Whether the store has the blob of a layer, with the expected size. */
export async function isThere(
  store: ContentStore,
  {descriptor}: Layer,
  signal: AbortSignal,
): Promise<boolean> {
  const blob = await store.statBlob(descriptor.digest, {signal})
  return blob?.size === descriptor.size
}

/**
 * Whether all tags name the result already if the slot holds just these layers, with content of
 * which that time is the newest (seconds since the epoch): then nothing is published.
 */
export type IsStanding = (
  layers: readonly Layer[],
  content: Pick<SlotFacts, 'newestMtime'>,
) => boolean

/**
 * Whether a known layer can be reused for entries that have its diff ID: it must exist, and must
 * belong to the targets, be what the tags name anyway, or be exactly what the entries pack to.
 */
export async function isUsable(
  layer: KnownLayer,
  entries: () => Iterable<WalkedEntry>,
  {
    presence,
    isStanding,
    ...format
  }: LayerFormat & {
    readonly presence: Presence
    /** Default: they do not name it. */
    readonly isStanding?: ((layer: Layer) => boolean) | undefined
  },
  ports: Pick<Ports, 'report' | 'signal' | 'jobs'>,
): Promise<boolean> {
  if (!(await presence(layer))) return false
  if (layer.own || isStanding?.(layer) === true) return true
  return isBlobOf(layer, await dryPack(entries, format, ports))
}

/** What entries come to when `inject` packs them. */
export interface DryPacked {
  readonly content: PackedContent
  readonly digest: Digest
  /** See `LayerSource`. */
  readonly annotations: Readonly<Record<string, string>> | undefined
}

/** Packs without storing anything. */
export async function dryPack(
  entries: Entries,
  format: LayerFormat,
  {report, signal, jobs}: Pick<Ports, 'report' | 'signal' | 'jobs'>,
): Promise<DryPacked> {
  const onProgress = (done: number) => report({kind: 'bytes', done})
  const source = packLayer(entries, {...format, jobs, onProgress})
  const {stream, result} = measured(source.open({signal}))
  await drain(stream)
  const {digest} = result()
  return {content: source.content(), digest, annotations: source.annotations()}
}

/**
 * Whether that is exactly the blob of the layer. What another image says about its layers is
 * unverified, and every digest that is published must be of verified bytes.
 */
export function isBlobOf(
  {descriptor, diffId}: Layer,
  {content, digest, annotations}: DryPacked,
): boolean {
  if (content.diffId !== diffId || digest !== descriptor.digest) return false
  return isDeepStrictEqual(annotations, chunkedAnnotations(descriptor.annotations))
}
