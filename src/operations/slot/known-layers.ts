import {setMaxListeners} from 'node:events'
import {unlessFailed} from '../../errors.js'
import {decodeDocument} from '../../image/document.js'
import type {Image, Layer} from '../../image/image.js'
import {imageEntries} from '../../image/index-tree.js'
import {findSlot, type Slot} from '../../image/slot.js'
import {type LayerFormat, packLayer} from '../../layer/pack/pack.js'
import type {WalkedEntry} from '../../layer/tree/walked-entry.js'
import {type Digest, isDigest} from '../../oci/digest.js'
import type {ContentStore, TagMove} from '../../store/content-store.js'
import {drain, measured} from '../../stream/bytes.js'
import {fetchImage, imageOf} from '../find/fetch-image.js'
import type {LoadedTargets, Target} from '../find/load-targets.js'
import {loadIndex} from '../find/load-index.js'
import type {Ports} from '../../ports.js'

/**
 * A layer of this slot that the repository should hold already. `own`: that of the images that are
 * worked on, not of others.
 */
export interface KnownLayer extends Layer {
  readonly own: boolean
  /** One of several layers of its slot. */
  readonly isShard: boolean
  /** Seconds since the epoch: nothing in it is newer; `undefined` when nobody says so. */
  readonly newest: number | undefined
}

/** An index with very many images is not searched to its end. */
const mostImages = 20

/**
 * Layers of the slot that the repository should hold already: those of the targets, of the other
 * images of their index where not all targets have the same, and of what the tags name now (a
 * nightly job injects into the same base again and again). When the content packs to one of them,
 * nothing needs to be sent.
 */
export type FindKnownLayers = (targets: readonly Target[]) => Promise<KnownLayer[]>

/** Where layers of a slot are looked for. */
export interface KnownPlaces {
  readonly loaded: LoadedTargets
  readonly moves: readonly TagMove[]
}

/** Finds the layers of one slot. Other images are read when they are needed, and once. */
export function createKnownLayers(
  store: ContentStore,
  {loaded, moves}: KnownPlaces,
  signal: AbortSignal,
): FindKnownLayers {
  const seen = new Set<string>(loaded.targets.map(({image}) => image.manifest.descriptor.digest))
  if (loaded.tree) seen.add(loaded.tree.index.descriptor.digest)
  const layersOf = (image: Image): KnownLayer[] => layersIn(findSlot(image, loaded.name), false)
  const inSiblings = once(async () => {
    const siblings = loaded.others.slice(0, mostImages).map(({entry}) => entry.digest)
    return (await imagesNamed(store, siblings, signal)).flatMap(layersOf)
  })
  const atTags = once(async () => {
    const known: KnownLayer[] = []
    for (const from of new Set(moves.map((move) => move.from))) {
      if (!isDigest(from) || seen.has(from)) continue
      known.push(...(await imagesAt(store, from, signal)).flatMap(layersOf))
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
 * The images of what a tag names now. What cannot be read, of whatever kind, is no reason to fail:
 * it only cannot save us work.
 */
async function imagesAt(
  store: ContentStore,
  digest: Digest,
  signal: AbortSignal,
): Promise<readonly Image[]> {
  const found = await unlessFailed(async () => {
    const stored = await store.getManifest(digest, {signal})
    if (!stored) return []
    const document = decodeDocument(stored)
    if (document.kind === 'image') return [await imageOf(store, document.manifest, signal)]
    const {tree} = await loadIndex(store, document.index, signal)
    const entries = imageEntries(tree).slice(0, mostImages)
    return imagesNamed(
      store,
      entries.map((entry) => entry.digest),
      signal,
    )
  })
  return found ?? []
}

/** Those that can be read. */
async function imagesNamed(
  store: ContentStore,
  digests: readonly Digest[],
  signal: AbortSignal,
): Promise<readonly Image[]> {
  const images: Image[] = []
  for (const digest of digests) {
    const image = await unlessFailed(() => fetchImage(store, digest, signal))
    if (image) images.push(image)
  }
  return images
}

/**
 * What one image says of its layers, another one cannot vouch for: `own` are those that all of the
 * targets have.
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

/** The layers of a slot that is there. */
function layersIn(slot: Slot | undefined, own: boolean): KnownLayer[] {
  const layers = slot?.layers ?? []
  const isShard = layers.length > 1
  return layers.map(({descriptor, diffId, newest}) => ({descriptor, diffId, own, isShard, newest}))
}

/**
 * Layers of one slot, as far as they are of use to what is made now: one layer is compared with
 * one, and several with several.
 */
export function alike(known: readonly KnownLayer[], isShard: boolean): KnownLayer[] {
  return known.filter((layer) => layer.isShard === isShard)
}

/** Whether the store has a layer. */
export type Presence = (layer: Layer) => Promise<boolean>

/**
 * Asks for all of these layers at once, when it is first asked for one: there may be many, and each
 * answer takes its time.
 */
export function createPresence(
  store: ContentStore,
  known: readonly Layer[],
  signal: AbortSignal,
): Presence {
  const answers = new Map<string, Promise<boolean>>()
  // as many listeners as layers are no leak
  const own = AbortSignal.any([signal])
  setMaxListeners(0, own)
  const ask = (layer: Layer): Promise<boolean> => {
    const {digest} = layer.descriptor
    const answer = answers.get(digest) ?? isThere(store, layer, own)
    answers.set(digest, answer)
    return answer
  }
  return (layer) => {
    // whoever does not ask for a layer does not want to hear what is wrong with it
    for (const each of known) ask(each).catch(() => undefined)
    return ask(layer)
  }
}

/** Whether the store has the blob of a layer, of the size that the layer is said to have. */
export async function isThere(
  store: ContentStore,
  {descriptor}: Layer,
  signal: AbortSignal,
): Promise<boolean> {
  const blob = await store.statBlob(descriptor.digest, {signal})
  return blob?.size === descriptor.size
}

/**
 * Whether a known layer may be named again for entries that have its diff ID: when it is there, and
 * it is the targets' own or what they pack to.
 */
export async function isUsable(
  layer: KnownLayer,
  entries: () => Iterable<WalkedEntry>,
  {presence, ...format}: LayerFormat & {readonly presence: Presence},
  ports: Pick<Ports, 'report' | 'signal'>,
): Promise<boolean> {
  if (!(await presence(layer))) return false
  return layer.own || packsTo(layer, entries, format, ports)
}

/**
 * Whether the entries, compressed by us, are that very blob. What another image says of its layers
 * nobody has checked, and every digest that we publish is of bytes that we hold.
 */
async function packsTo(
  {descriptor}: Layer,
  entries: () => Iterable<WalkedEntry>,
  format: LayerFormat,
  {report, signal}: Pick<Ports, 'report' | 'signal'>,
): Promise<boolean> {
  const onProgress = (done: number) => report({kind: 'bytes', done})
  const source = packLayer(entries, {...format, onProgress})
  const {stream, result} = measured(source.open({signal}))
  await drain(stream)
  return result().digest === descriptor.digest
}
