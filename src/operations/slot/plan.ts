import type {ConfigEdits} from '../../image/config-edits.js'
import type {Image, Layer} from '../../image/image.js'
import type {PlatformChoice} from '../../image/platforms.js'
import type {Sharding} from '../../image/sharding.js'
import {findSlot, hasLayers, type Slot} from '../../image/slot.js'
import type {ShardPlan} from '../../layer/shards/divide.js'
import type {TreeLook} from '../../layer/tree/memory.js'
import {platformOf} from '../../oci/platform.js'
import type {Reference} from '../../oci/reference.js'
import type {ContentStore, TagMove} from '../../store/content-store.js'
import type {DirectoryOptions} from './directory.js'
import type {FoundDocument} from '../find/find-document.js'
import type {SlotAction} from './result.js'
import {chosenName} from './chosen-name.js'
import {compare} from './compare.js'
import {alike, isThere, type KnownLayer, knownLayers} from './known-layers.js'
import type {FramedEntries, LayerEntries} from './layer-entries.js'
import {loadFound, startOf} from '../find/load-image.js'
import {reportOddities} from '../find/report-oddities.js'
import type {ConflictPolicy} from '../publish/on-conflict.js'
import type {Output} from './outputs.js'
import type {Ports} from '../../ports.js'
import type {DirectoryFor} from './platform-directory.js'
import {nothingSent, type SentLayers, type StoredContent} from './content.js'
import {noticeOtherSlots} from './notices.js'
import {planSharding, shardingOf} from './sharding.js'
import {compareShards} from './store-shards.js'
import {type FormatOptions, suitableImage} from '../find/suitable-image.js'
import {planTagMoves, type TagLooks} from '../publish/tag-moves.js'

export interface UpdateOptions
  extends Pick<DirectoryOptions, 'exclude' | 'whiteouts' | 'owner' | 'chmod'>, FormatOptions {
  readonly reference: Reference
  readonly directory: string
  /** Empty: the tag in the reference. */
  readonly tags: readonly string[]
  /** `undefined`: the only slot there is, or CernVM-FS's. */
  readonly name?: string | undefined
  /** Nothing at all may replace what is in a slot. */
  readonly allowEmpty?: boolean | undefined
  /** How the content is divided into layers; `undefined`: as it is in the slot, else not. */
  readonly layers?: Sharding | undefined
  /** Where in the image the directory belongs; `undefined`: where the slot says, else `/`. */
  readonly path?: string | undefined
  /**
   * Seconds since the epoch: the time of the slot, and the latest mtime in the layer. `undefined`:
   * the newest mtime in the directory.
   */
  readonly created?: number | undefined
  readonly onConflict: ConflictPolicy
  /** No tag is overwritten: it must not exist, or name the result already. */
  readonly noClobber: boolean
  /** What else the image is to say. */
  readonly edits?: ConfigEdits | undefined
  /** Which images of an index; a single image must be for one of them, too. */
  readonly platforms?: PlatformChoice | undefined
  /** What BuildKit said about an image of an index that is replaced. */
  readonly attestations?: 'drop' | 'keep'
  /** Bytes of the chunks that the layer is sent in; without, it goes in one request. */
  readonly chunkSize?: number | undefined
  /** What else the run writes: none of it may lie in the directory. */
  readonly outputs?: readonly Output[] | undefined
}

/** What an update will do, found out without changing anything. */
export interface UpdatePlan {
  /** What is injected into: `original`, or what `toOci` made of it. */
  readonly image: Image
  readonly original: Image
  /** Of the slot. */
  readonly name: string
  readonly slot: Slot | undefined
  /** The tag that it was found by, if it was one. */
  readonly source: string | undefined
  readonly moves: readonly TagMove[]
  readonly path: string
  readonly action: SlotAction
  readonly framed: FramedEntries
  readonly sharding: Sharding
  /** How the content is divided; `undefined`: it is one layer. */
  readonly shards: ShardPlan | undefined
  /** Layers of this slot that the repository should have, of as many kinds as there are to be. */
  readonly known: readonly KnownLayer[]
  /** Equal for equal entries, divided in the same way. */
  readonly key: string
  /** What decides what the entries are, but for the directory's content. */
  readonly packing: readonly string[]
  /** What the directory packs to, as far as that was needed (always when `exhaustive`). */
  readonly content: StoredContent['content'] | undefined
  /** Layers that the repository has already and that hold just this. */
  readonly layers: readonly Layer[] | undefined
  /** What there is to send, as far as it is known. */
  readonly unsent: SentLayers
  /** How the directory looked before anything in it was read; only where that is trusted. */
  readonly look: TreeLook | undefined
}

type PlanOptions = UpdateOptions & {
  readonly exhaustive: boolean
  readonly stored?: StoredContent | undefined
  readonly layerEntries: LayerEntries
  /** Of this very moment; default: they are looked at when the image is there. */
  readonly looks?: TagLooks | undefined
}

/**
 * Reads the image, and the directory where that can save work. `exhaustive`: reads the directory to
 * its end in any case. `stored`: what it was packed to before, which holds as long as its place in
 * the image does.
 */
export async function planUpdate(
  store: ContentStore,
  found: FoundDocument,
  directoryOf: DirectoryFor,
  options: PlanOptions,
  ports: Ports,
): Promise<UpdatePlan> {
  const {reference, tags, created, stored, looks} = options
  const loaded = await loadFound(store, reference, found, ports.signal, options.platforms)
  const original = loaded.image
  reportOddities(original, ports)
  const name = chosenName([original], options.name, ports)
  const image = suitableImage(original, name, options)
  const directory = directoryOf(platformOf(image.config.value))
  const slot = findSlot(image, name)
  if (!slot) noticeOtherSlots(image, name, ports)
  const path = options.path ?? slot?.path ?? '/'
  const moves = await planTagMoves(store, reference, tags, startOf(loaded), ports.signal, looks)
  const onWarning = warnOnce(ports)
  const walk = directory.entries({...options, path, clampMtime: created, onWarning})
  const packing = packingOf(directory.path, path, options)
  const names = directory.namesInRoot({...options, path})
  const walked = {key: packing.join(), entries: walk, names}
  const framed = await options.layerEntries({image, slot}, walked)
  const sharding = shardingOf(options.layers, slot)
  const shards = planSharding(framed.content, [{image, slot}], options.layers, onWarning)
  const key = shards ? `${framed.key} ${JSON.stringify(shards.cuts)}` : framed.key
  const known = alike(
    await knownLayers(store, image, name, moves, ports.signal),
    shards !== undefined,
  )
  const look = await ports.treeMemory?.look(
    [...packing, key],
    framed.content({xattrs: false, states: true}),
  )
  const content =
    stored?.key === key
      ? {...stored, unsent: nothingSent}
      : ((await lookTrusted(store, slot, look, ports)) ??
        (await lookFor(store, {framed, shards, known}, options, ports)))
  const isSame = hasLayers(slot, content.layers) && path === slot?.path
  return {
    image,
    original,
    name,
    slot,
    key,
    source: loaded.tag,
    moves,
    path,
    framed,
    sharding,
    shards,
    known,
    packing: [...packing, framed.key],
    ...content,
    look,
    action: isSame ? 'unchanged' : slot ? 'replaced' : 'added',
  }
}

/** What the image holds already, by the memory of a directory that looks as it did. */
async function lookTrusted(
  store: ContentStore,
  slot: Slot | undefined,
  look: TreeLook | undefined,
  {signal}: Ports,
): Promise<Pick<UpdatePlan, 'layers' | 'content' | 'unsent'> | undefined> {
  if (!look?.known || !slot) return undefined
  const {diffIds, ...counts} = look.known
  const layers: Layer[] = slot.layers.map(({descriptor, diffId}) => ({descriptor, diffId}))
  if (layers.map(({diffId}) => diffId).join() !== diffIds.join()) return undefined
  const there = await Promise.all(layers.map((layer) => isThere(store, layer, signal)))
  if (!there.every(Boolean)) return undefined
  const diffId = layers.length === 1 ? layers[0]?.diffId : undefined
  return {layers, content: {...counts, diffId}, unsent: nothingSent}
}

/**
 * What of the content is there already. One layer is compared before it is packed; several are
 * compared one by one while they are stored, unless it has to be known at once.
 */
async function lookFor(
  store: ContentStore,
  {framed, shards, known}: Pick<UpdatePlan, 'framed' | 'shards' | 'known'>,
  {exhaustive, noClobber, compression, level, directory: on}: PlanOptions,
  ports: Ports,
): Promise<Pick<UpdatePlan, 'layers' | 'content' | 'unsent'>> {
  if (!shards) {
    const how = {exhaustive, compression, level, on}
    const {layer, content} = await compare(store, known, framed.entries, how, ports)
    const unsent = layer ? nothingSent : {count: 1, bytes: undefined}
    return {layers: layer && [layer], content, unsent}
  }
  if (!exhaustive && !noClobber)
    return {layers: undefined, content: undefined, unsent: {count: 0, bytes: undefined}}
  const {layers, content} = await compareShards(
    store,
    {...framed, plan: shards},
    {known, compression, level, on},
    ports,
  )
  const found = layers.filter((layer) => layer !== undefined)
  const count = layers.length - found.length
  return {
    layers: count === 0 ? found : undefined,
    content,
    unsent: {count, bytes: count === 0 ? 0 : undefined},
  }
}

/**
 * What decides what is packed, but for the directory's content: by this a later run knows that it
 * may go on.
 */
export function packingOf(
  directory: string,
  path: string,
  {owner, chmod, exclude, whiteouts, created, compression, level}: UpdateOptions,
): readonly string[] {
  const how = {owner, chmod, exclude, whiteouts, created, compression, level}
  return [directory, path, JSON.stringify(how)]
}

/**
 * A directory may be walked twice, to compare and to pack; what there is to say of it is said once.
 */
export function warnOnce({report}: Ports): (message: string) => void {
  const said = new Set<string>()
  return (message) => {
    if (said.has(message)) return
    said.add(message)
    report({kind: 'warning', message})
  }
}
