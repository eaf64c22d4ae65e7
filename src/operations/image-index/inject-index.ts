import type {ConfigEdits} from '../../image/config-edits.js'
import {newLayerType} from '../../image/family.js'
import type {Image} from '../../image/image.js'
import type {Sharding} from '../../image/sharding.js'
import {inject} from '../../image/inject.js'
import type {IndexTree} from '../../image/index-tree.js'
import type {PlatformChoice} from '../../image/platforms.js'
import {findSlot, hasLayers} from '../../image/slot.js'
import {type Replacements, replaceImages} from '../../image/replace-images.js'
import {toOci} from '../../image/to-oci.js'
import type {Descriptor} from '../../oci/descriptor.js'
import {defaultSlotName} from '../../oci/annotation.js'
import type {Digest} from '../../oci/digest.js'
import {formatReference, type Reference} from '../../oci/reference.js'
import type {ContentStore, TagMove} from '../../store/content-store.js'
import {formatTime} from '../../oci/time.js'
import type {FoundDocument} from '../find/find-document.js'
import {type GroupContent, type GroupLayers, storeGroupLayers} from '../slot/group-layers.js'
import {type IndexTarget, loadTargets, refuseNone} from '../find/index-targets.js'
import {actionOn, type SlotAction} from '../slot/result.js'
import {loadIndex} from '../find/load-index.js'
import {reportOddities} from '../find/report-oddities.js'
import type {Ports} from '../../ports.js'
import type {ChangedIndex} from '../publish/publish-index.js'
import {nothingSent} from '../slot/content.js'
import {planSharding, shardingOf} from '../slot/sharding.js'
import {chosenName} from '../slot/chosen-name.js'
import {refuseEmptiness, warnOfEmptiness} from '../slot/notices.js'
import {type FormatOptions, suitableImage} from '../find/suitable-image.js'
import {planTagMoves, type TagLooks} from '../publish/tag-moves.js'

/**
 * What is to be put into one image. Images with the same `key` get the same layer, which is packed
 * and pushed once.
 */
export interface IndexContent extends Omit<GroupContent, 'plan'> {
  readonly path: string
  /** Seconds since the epoch; `undefined`: the newest mtime in the content. */
  readonly time: number | undefined
}

export interface IndexOptions extends Partial<Pick<Replacements, 'attestations'>>, FormatOptions {
  readonly reference: Reference
  readonly tags: readonly string[]
  /** `undefined`: the only slot there is, or CernVM-FS's. */
  readonly name?: string | undefined
  readonly allowEmpty?: boolean | undefined
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
export interface InjectedImage extends IndexTarget, GroupLayers {
  readonly path: string
  readonly action: SlotAction
  /** Unknown, as its layers, in a dry run that would have to pack. */
  readonly result: Image | undefined
}

/** An index before and after; nothing is published yet. */
export interface InjectedIndex extends ChangedIndex {
  readonly before: IndexTree
  /** Of the slot. */
  readonly name: string
  readonly images: readonly InjectedImage[]
  /** Images that were not chosen, and converted with the rest. */
  readonly converted: readonly Pick<InjectedImage, 'image' | 'result'>[]
  readonly source: string | undefined
}

/** What layers were stored under which key: for another round, after a conflict. */
export type StoredLayers = Map<string, GroupLayers>

/**
 * Puts content into the chosen images of an index: stores the layers and makes the documents, and
 * leaves the tags where they are.
 */
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
  const provisional = options.name ?? defaultSlotName
  const chosen = await loadTargets(
    store,
    loaded,
    {...options, name: provisional, what},
    ports.signal,
  )
  refuseNone(chosen, what)
  for (const {image} of chosen) reportOddities(image, ports)
  const name = chosenName(
    chosen.map(({image}) => image),
    options.name,
    ports,
  )
  const named = {...options, name}
  const targets = chosen.map((target) => suitableTarget(target, named))
  const converted =
    options.toOci === true
      ? await convertOthers(store, loaded, targets, {name, what}, ports.signal)
      : []
  const images: InjectedImage[] = []
  for (const {content, group} of await grouped(targets, named)) {
    if (!content) images.push(...group.map(asItIs))
    else images.push(...(await injectGroup(store, group, content, named, {moves, stored}, ports)))
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
  return {
    before: loaded.tree,
    name,
    after: tree,
    changed,
    images,
    converted,
    moves,
    source: found.tag,
  }
}

function suitableTarget(
  target: IndexTarget,
  options: FormatOptions & {readonly name: string},
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
  options: IndexOptions & {readonly name: string},
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
    stored.get(key) ??
    (await storeGroupLayers(store, group, {...content, plan}, {...options, moves}, ports))
  if (!dryRun) stored.set(key, known)
  if (warnsOfEmptiness && group.some(({slot}) => slot && !hasLayers(slot, known.layers)))
    refuseEmptiness(known.content?.entries, {...options, directory: content.on})
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

function injectionOf(
  {image, suitable, slot}: SuitableTarget,
  {layers, content}: GroupLayers,
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
