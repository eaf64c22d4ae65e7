import {setMaxListeners} from 'node:events'
import {unlessFailed} from '../../errors.js'
import type {Image, Layer} from '../../image/image.js'
import {imageEntries} from '../../image/index-tree.js'
import {findSlot, type Slot} from '../../image/slot.js'
import {type LayerFormat, packLayer} from '../../layer/pack/pack.js'
import type {WalkedEntry} from '../../layer/tree/walked-entry.js'
import {type Digest, isDigest} from '../../oci/digest.js'
import type {ContentStore, TagMove} from '../../store/content-store.js'
import {drain, measured} from '../../stream/bytes.js'
import {fetchImage} from '../find/fetch-image.js'
import {isIndex, loadIndex} from '../find/load-index.js'
import type {Ports} from '../../ports.js'

/**
 * A layer of this slot that the repository should hold already. `own`: the image's that is worked
 * on, not that of another tag.
 */
export interface KnownLayer extends Layer {
  readonly own: boolean
  /** One of several layers of its slot. */
  readonly isShard: boolean
  /** Seconds since the epoch: nothing in it is newer; `undefined` when nobody says so. */
  readonly newest: number | undefined
}

/**
 * Layers of this slot that the repository should hold already: the image's own, and those of the
 * images that the tags name now (a nightly job injects into the same base again and again). When
 * the directory packs to one of them, nothing needs to be sent.
 */
export async function knownLayers(
  store: ContentStore,
  image: Image,
  name: string,
  moves: readonly TagMove[],
  signal: AbortSignal,
): Promise<KnownLayer[]> {
  const known = layersIn(findSlot(image, name), true)
  const seen = new Set<string>([image.manifest.descriptor.digest])
  for (const {from} of moves) {
    if (!isDigest(from) || seen.has(from)) continue
    seen.add(from)
    known.push(...(await otherLayer(store, from, name, signal)))
  }
  return known
}

/**
 * Layers of this slot in what the tags name now, of single images and of those of an index. None of
 * them is proven.
 */
export async function layersAt(
  store: ContentStore,
  moves: readonly TagMove[],
  name: string,
  signal: AbortSignal,
): Promise<KnownLayer[]> {
  const known: KnownLayer[] = []
  for (const from of new Set(moves.map((move) => move.from))) {
    if (!isDigest(from)) continue
    for (const digest of await imagesAt(store, from, signal))
      known.push(...(await otherLayer(store, digest, name, signal)))
  }
  return known
}

/** An index with very many images is not searched to its end. */
const mostImages = 20

async function imagesAt(
  store: ContentStore,
  digest: Digest,
  signal: AbortSignal,
): Promise<readonly Digest[]> {
  const found = await unlessFailed(async () => {
    const stored = await store.getManifest(digest, {signal})
    if (!stored || !isIndex(stored)) return stored ? [digest] : []
    const {tree} = await loadIndex(store, stored, signal)
    return imageEntries(tree)
      .slice(0, mostImages)
      .map((entry) => entry.digest)
  })
  return found ?? []
}

/**
 * Whether a known layer may be named again for entries that have its diff ID: when it is there, and
 * it is the image's own or what they pack to. `isThere` may have been asked before.
 */
export async function isUsable(
  layer: KnownLayer,
  entries: () => Iterable<WalkedEntry>,
  format: LayerFormat,
  ports: Pick<Ports, 'report' | 'signal'>,
  isKnownThere: Presence,
): Promise<boolean> {
  if (!(await isKnownThere(layer))) return false
  return layer.own || packsTo(layer, entries, format, ports)
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

/**
 * Layers of one slot, as far as they are of use to what is made now: one layer is compared with
 * one, and several with several.
 */
export function alike(known: readonly KnownLayer[], isShard: boolean): KnownLayer[] {
  return known.filter((layer) => layer.isShard === isShard)
}

/** The layers of a slot that is there. */
export function layersIn(slot: Slot | undefined, own: boolean): KnownLayer[] {
  const layers = slot?.layers ?? []
  const isShard = layers.length > 1
  return layers.map(({descriptor, diffId, newest}) => ({descriptor, diffId, own, isShard, newest}))
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
 * Whether the entries, compressed by us, are that very blob. What another image says of its layers
 * nobody has checked, and every digest that we publish is of bytes that we hold.
 */
export async function packsTo(
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

/**
 * An image that cannot be read, of whatever kind, is no reason to fail: it only cannot save us
 * work.
 */
async function otherLayer(
  store: ContentStore,
  digest: string,
  name: string,
  signal: AbortSignal,
): Promise<KnownLayer[]> {
  const found = await unlessFailed(async () => {
    const image = await fetchImage(store, digest, signal)
    return image ? layersIn(findSlot(image, name), false) : []
  })
  return found ?? []
}
