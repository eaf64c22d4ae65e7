import type {Layer} from '../../image/image.js'
import {countShards} from '../../layer/shards/divide.js'
import type {LayerFormat} from '../../layer/pack/pack.js'
import type {TreeLook} from '../../layer/tree/memory.js'
import type {ContentStore} from '../../store/content-store.js'
import type {Ports} from '../../ports.js'
import {compare} from './compare.js'
import {
  asContent,
  nothingSent,
  type SentLayers,
  type SlotFacts,
  type StoredContent,
} from './content.js'
import type {Group} from './group.js'
import {alike, type FindKnownLayers, isThere, type KnownLayer} from './known-layers.js'
import {compareShards} from './store-shards.js'

/** What is to be done for the layers of a group, found out without changing anything. */
export type GroupPlan =
  /** The store has them all. */
  | {readonly kind: 'stored'; readonly stored: StoredContent}
  /** Some of them have to be packed. */
  | {
      readonly kind: 'missing'
      /** What need not be stored again. */
      readonly known: readonly KnownLayer[]
      /** How many layers there will be. */
      readonly count: number
      /** As far as it had to be found out. */
      readonly content: Partial<SlotFacts>
      /** What there is to send, as far as it is known. */
      readonly unsent: SentLayers
    }

export interface PlannedGroup extends Group {
  readonly plan: GroupPlan
  /** How the directory looked before anything in it was read; only where that is trusted. */
  readonly look: TreeLook | undefined
}

export interface GroupPlanOptions extends LayerFormat {
  readonly findKnown: FindKnownLayers
  /** Reads the content to its end in any case. */
  readonly exhaustive: boolean
  /** It has to be known beforehand whether anything is missing. */
  readonly isDecisive: boolean
}

/** Looks what of the content of a group the store has, and reads it where that can save work. */
export async function planGroup(
  store: ContentStore,
  group: Group,
  options: GroupPlanOptions,
  ports: Ports,
): Promise<PlannedGroup> {
  const {content, key} = group
  const look =
    content.packing &&
    (await ports.treeMemory?.look([...content.packing, key], content.content('states')))
  const trusted = await lookTrusted(store, group, look, ports)
  if (trusted) return {...group, plan: {kind: 'stored', stored: trusted}, look}
  const known = alike(await options.findKnown(group.targets), group.shards !== undefined)
  return {...group, plan: await lookFor(store, group, {...options, known}, ports), look}
}

/** What the images hold already, by the memory of a directory that looks as it did. */
async function lookTrusted(
  store: ContentStore,
  {targets}: Group,
  look: TreeLook | undefined,
  {signal}: Ports,
): Promise<StoredContent | undefined> {
  const layers = look?.known && sharedLayers(targets)
  if (!layers) return undefined
  const {diffIds, ...counts} = look.known
  if (layers.map((layer) => layer.diffId).join() !== diffIds.join()) return undefined
  const there = await Promise.all(layers.map((layer) => isThere(store, layer, signal)))
  if (!there.every(Boolean)) return undefined
  const diffId = layers.length === 1 ? layers[0]?.diffId : undefined
  return {layers, content: {...counts, diffId}, uploaded: false, sent: nothingSent}
}

/** The layers of the slot where all targets have the very same. */
function sharedLayers(targets: Group['targets']): readonly Layer[] | undefined {
  const [layers, ...others] = targets.map(({slot}) =>
    (slot?.layers ?? []).map(({descriptor, diffId}) => ({descriptor, diffId})),
  )
  const named = (each: readonly Layer[]) => each.map(({descriptor}) => descriptor.digest).join()
  if (!layers || layers.length === 0) return undefined
  return others.every((each) => named(each) === named(layers)) ? layers : undefined
}

/**
 * What of the content is there already. One layer is compared before it is packed; several are
 * compared one by one while they are stored, unless it has to be known at once.
 */
async function lookFor(
  store: ContentStore,
  {content, shards}: Group,
  options: GroupPlanOptions & {readonly known: readonly KnownLayer[]},
  ports: Ports,
): Promise<GroupPlan> {
  const {known, exhaustive, isDecisive, compression, level} = options
  const how = {known, compression, level, on: content.on}
  if (!shards) {
    const compared = await compare(store, content.entries, {...how, exhaustive}, ports)
    return compared.layer && compared.content
      ? {kind: 'stored', stored: asContent(compared.layer, compared.content, false)}
      : missing(known, 1, compared.content ?? {}, 1)
  }
  const count = countShards(shards)
  if (!exhaustive && !isDecisive) return missing(known, count, {}, count)
  const compared = await compareShards(store, {...content, plan: shards}, how, ports)
  const layers = compared.layers.filter((layer) => layer !== undefined)
  if (layers.length < compared.layers.length)
    return missing(known, count, compared.content, compared.layers.length - layers.length)
  const stored = {layers, content: compared.content, uploaded: false, sent: nothingSent}
  return {kind: 'stored', stored}
}

function missing(
  known: readonly KnownLayer[],
  count: number,
  content: Partial<SlotFacts>,
  unsent: number,
): GroupPlan {
  return {kind: 'missing', known, count, content, unsent: {count: unsent, bytes: undefined}}
}
