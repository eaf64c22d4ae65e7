import type {ConfigEdits} from '../image/config-edits.js'
import {newLayerType} from '../image/family.js'
import type {Image, Layer} from '../image/image.js'
import type {Sharding} from '../image/sharding.js'
import {inject} from '../image/inject.js'
import type {IndexTree} from '../image/index-tree.js'
import type {PlatformChoice} from '../image/platforms.js'
import {findSlot, hasLayers} from '../image/slot.js'
import {type Replacements, replaceImages} from '../image/replace-images.js'
import {toOci} from '../image/to-oci.js'
import {countShards, type ShardPlan} from '../layer/shards.js'
import type {Descriptor} from '../oci/descriptor.js'
import type {Digest} from '../oci/digest.js'
import {formatReference, type Reference} from '../oci/reference.js'
import type {ContentStore, TagMove} from '../store/content-store.js'
import {formatTime} from '../oci/time.js'
import type {FoundDocument} from './find-document.js'
import {type IndexTarget, loadTargets} from './index-targets.js'
import {actionOn, type SlotAction} from './injection-result.js'
import {alike, compare, type KnownLayer, layersAt, layersIn} from './known-layers.js'
import type {FramedEntries} from './layer-entries.js'
import {loadIndex} from './load-index.js'
import type {Ports} from './ports.js'
import type {ChangedIndex} from './publish-index.js'
import {pushLayer} from './push-layer.js'
import {asContent, nothingSent, type SentLayers, type SlotFacts} from './slot-content.js'
import {planSharding, shardingOf} from './slot-sharding.js'
import {compareShards, storeShards} from './store-shards.js'
import {warnOfEmptiness} from './slot-notices.js'
import {type FormatOptions, suitableImage} from './suitable-image.js'
import {planTagMoves, type TagLooks} from './tag-moves.js'

/** What is to be put into one image. Images with the same `key` get the same layer, which is packed and pushed once. */
export interface IndexContent extends FramedEntries {
  readonly path: string
  /** For whoever watches. */
  readonly on: string
  /** By which a later run knows that it may go on where this one was killed. */
  readonly packing?: readonly string[]
  /** Seconds since the epoch; `undefined`: the newest mtime in the content. */
  readonly time: number | undefined
}

export interface IndexOptions extends Partial<Pick<Replacements, 'attestations'>>, FormatOptions {
  readonly reference: Reference
  readonly tags: readonly string[]
  readonly name: string
  readonly platforms: PlatformChoice | undefined
  /** Seconds since the epoch; sets the time of the images, too. */
  readonly created: number | undefined
  /** What else the images are to say. */
  readonly edits?: ConfigEdits | undefined
  /** How the content is divided into layers; `undefined`: as it is in each slot, else not. */
  readonly layers?: Sharding | undefined
  readonly dryRun: boolean
  /** A directory without anything in it is worth a warning. */
  readonly warnsOfEmptiness?: boolean
  /** Of this very moment; default: they are looked at when the index is there. */
  readonly looks?: TagLooks | undefined
  /** `undefined`: this image stays as it is. */
  readonly contentOf: (target: SuitableTarget) => Promise<IndexContent | undefined>
}

/** What is injected into: the image of the target, or what `toOci` made of it. */
export interface SuitableTarget extends IndexTarget {
  readonly suitable: Image
}

/** One image, before and after. */
export interface InjectedImage extends IndexTarget {
  readonly path: string
  readonly action: SlotAction
  /** Unknown in a dry run that would have to pack. */
  readonly result: Image | undefined
  /** Lowest first; unknown as `result`. */
  readonly layers: readonly Layer[] | undefined
  /** How many they are, or would be. */
  readonly count: number
  readonly content: Partial<SlotFacts> | undefined
  readonly uploaded: boolean
  readonly sent: SentLayers
}

/** An index before and after; nothing is published yet. */
export interface InjectedIndex extends ChangedIndex {
  readonly before: IndexTree
  readonly images: readonly InjectedImage[]
  /** Images that were not chosen, and converted with the rest. */
  readonly converted: readonly Pick<InjectedImage, 'image' | 'result'>[]
  readonly source: string | undefined
}

/** What layers were stored under which key: for another round, after a conflict. */
export type StoredLayers = Map<string, StoredLayer>
type StoredLayer = Pick<InjectedImage, 'layers' | 'count' | 'content' | 'uploaded' | 'sent'>

/** Puts content into the chosen images of an index: stores the layers and makes the documents, and leaves the tags where they are. */
export async function injectIndex(
  store: ContentStore,
  found: FoundDocument,
  options: IndexOptions,
  stored: StoredLayers,
  ports: Ports,
): Promise<InjectedIndex> {
  const {reference, tags, looks, attestations = 'drop'} = options
  const loaded = await loadIndex(store, found.stored, ports.signal)
  const {digest} = loaded.tree.index.descriptor
  const start = {digest, tag: found.tag}
  const moves = await planTagMoves(store, reference, tags, start, ports.signal, looks)
  const what = formatReference(reference)
  const chosen = await loadTargets(store, loaded, {...options, what}, ports.signal)
  const targets = chosen.map((target) => suitableTarget(target, options))
  const converted =
    options.toOci === true
      ? await convertOthers(store, loaded, targets, {...options, what}, ports.signal)
      : []
  const images: InjectedImage[] = []
  for (const {content, group} of await grouped(targets, options)) {
    if (!content) images.push(...group.map(asItIs))
    else images.push(...(await injectGroup(store, group, content, options, {moves, stored}, ports)))
  }
  const replaced = new Map<Digest, Descriptor>()
  for (const {image, result} of [...images, ...converted])
    if (result && result !== image)
      replaced.set(image.manifest.descriptor.digest, result.manifest.descriptor)
  const {tree, changed} = replaceImages(loaded.tree, {
    images: replaced,
    attestations,
    base: 'remember',
    toOci: options.toOci,
  })
  const order = new Map(targets.map(({image}, position) => [image, position]))
  images.sort((a, b) => (order.get(a.image) ?? 0) - (order.get(b.image) ?? 0))
  return {before: loaded.tree, after: tree, changed, images, converted, moves, source: found.tag}
}

function suitableTarget(
  target: IndexTarget,
  options: Pick<IndexOptions, 'name' | keyof FormatOptions>,
): SuitableTarget {
  const suitable = suitableImage(target.image, options.name, options)
  return {...target, suitable, slot: findSlot(suitable, options.name)}
}

/** An index does not become OCI's in parts: its other images are converted, too. */
async function convertOthers(
  store: ContentStore,
  loaded: Awaited<ReturnType<typeof loadIndex>>,
  chosen: readonly SuitableTarget[],
  {name, what}: {readonly name: string; readonly what: string},
  signal: AbortSignal,
): Promise<InjectedIndex['converted']> {
  const known = new Set(chosen.map(({image}) => image.manifest.descriptor.digest))
  const images = loaded.images.filter(({entry}) => !known.has(entry.digest))
  if (images.length === 0) return []
  const others = await loadTargets(
    store,
    {...loaded, images},
    {platforms: 'all', name, what},
    signal,
  )
  return others.map(({image}) => ({image, result: toOci(image)}))
}

/** Targets with the same content, divided in the same way, together. */
async function grouped(
  targets: readonly SuitableTarget[],
  {contentOf, layers}: Pick<IndexOptions, 'contentOf' | 'layers'>,
) {
  const groups = new Map<string, {content: IndexContent | undefined; group: SuitableTarget[]}>()
  for (const target of targets) {
    const content = await contentOf(target)
    const key = content ? `${content.key} ${shardingOf(layers, target.slot)}` : ''
    const {group} = groups.get(key) ?? {group: []}
    groups.set(key, {content, group: [...group, target]})
  }
  return groups.values()
}

function asItIs(target: SuitableTarget): InjectedImage {
  const {image, suitable, slot} = target
  return {
    ...target,
    path: slot?.path ?? '/',
    action: actionOn(image, suitable, 'unchanged'),
    result: suitable,
    layers: slot?.layers,
    count: slot?.layers.length ?? 0,
    content: slot?.layers.length === 1 ? {diffId: slot.diffId} : {},
    uploaded: false,
    sent: nothingSent,
  }
}

async function injectGroup(
  store: ContentStore,
  group: readonly SuitableTarget[],
  content: IndexContent,
  options: IndexOptions,
  {moves, stored}: {readonly moves: readonly TagMove[]; readonly stored: StoredLayers},
  ports: Ports,
): Promise<InjectedImage[]> {
  const {name, dryRun, warnsOfEmptiness = false} = options
  const {path} = content
  const warn = (message: string): void => ports.report({kind: 'warning', message})
  const places = group.map(({suitable: image, slot}) => ({image, slot}))
  const plan = planSharding(content.content, places, options.layers, warn)
  const key = JSON.stringify([content.key, plan?.cuts])
  const known =
    stored.get(key) ?? (await storeLayers(store, group, {...content, plan}, options, moves, ports))
  if (!dryRun) stored.set(key, known)
  if (warnsOfEmptiness) warnOfEmptiness(known.content?.entries, content.on, ports)
  return group.map((target) => {
    const {image, suitable, slot} = target
    const isSame = hasLayers(slot, known.layers) && path === slot?.path
    const result =
      known.layers &&
      inject(suitable, {name, path, ...injectionOf(target, known, content, options)})
    const planned = isSame ? 'unchanged' : slot ? 'replaced' : 'added'
    const action = result ? actionOn(image, result, planned) : planned
    return {...target, ...known, path, action, result}
  })
}

/** The layers of a group: those that are there already, and new ones. */
async function storeLayers(
  store: ContentStore,
  group: readonly IndexTarget[],
  {plan, ...content}: IndexContent & {readonly plan: ShardPlan | undefined},
  {name, dryRun, compression, level}: IndexOptions,
  moves: readonly TagMove[],
  ports: Ports,
): Promise<StoredLayer> {
  const {entries, on, packing} = content
  const own = ownLayers(group)
  const isOne = own.length > 0 && own.every((layer) => layer.own)
  if (!isOne) own.push(...(await layersAt(store, moves, name, ports.signal)))
  const known = alike(own, plan !== undefined)
  // the media type is each image's own
  const how = {mediaType: '', compression, level, on, packing}
  if (plan) {
    const count = countShards(plan)
    if (!dryRun)
      return {count, ...(await storeShards(store, {...content, plan}, {...how, known}, ports))}
    const compared = await compareShards(store, {...content, plan}, {...how, known}, ports)
    const found = compared.layers.filter((layer) => layer !== undefined)
    const sent = {count: count - found.length, bytes: found.length === count ? 0 : undefined}
    const layers = found.length === count ? found : undefined
    return {layers, count, content: compared.content, uploaded: false, sent}
  }
  const compared = await compare(
    store,
    known,
    entries,
    {exhaustive: dryRun, compression, level, on},
    ports,
  )
  if (compared.layer && compared.content)
    return {count: 1, ...asContent(compared.layer, compared.content, false)}
  if (dryRun) {
    const sent = {count: 1, bytes: undefined}
    return {layers: undefined, count: 1, content: compared.content, uploaded: false, sent}
  }
  const {layer, content: packed, uploaded} = await pushLayer(store, entries, how, ports)
  return {count: 1, ...asContent(layer, packed, uploaded)}
}

/** What one image says of its layers, another one cannot vouch for: `own` are those that all of them have. */
function ownLayers(group: readonly IndexTarget[]): KnownLayer[] {
  const found = new Map<string, {layer: KnownLayer; images: number}>()
  for (const {slot} of group) {
    for (const layer of layersIn(slot, true)) {
      const key = `${layer.diffId} ${layer.descriptor.digest}`
      found.set(key, {layer, images: (found.get(key)?.images ?? 0) + 1})
    }
  }
  return [...found.values()].map(({layer, images}) => ({...layer, own: images === group.length}))
}

function injectionOf(
  {image, suitable, slot}: SuitableTarget,
  {layers, content}: StoredLayer,
  {time}: IndexContent,
  {created, edits, compression, layers: asked}: IndexOptions,
) {
  if (!layers || !content) throw new TypeError('a group without layers')
  const types = new Map(
    slot?.layers.map(({descriptor}) => [descriptor.digest, descriptor.mediaType]),
  )
  const made = formatTime(created ?? time ?? content.newestMtime ?? 0)
  return {
    layers: layers.map(({diffId, descriptor: {digest, size}}) => {
      // a blob that the slot holds already is what the image says it is, however it was compressed
      const mediaType = types.get(digest) ?? newLayerType(suitable, compression)
      return {diffId, descriptor: {mediaType, digest, size}}
    }),
    sharding: shardingOf(asked, slot),
    base: image.manifest.descriptor.digest,
    created: made,
    ...(created !== undefined && {imageCreated: made}),
    ...(edits && {edits}),
  }
}
