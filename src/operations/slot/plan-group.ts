import {availableParallelism} from 'node:os'
import {countShards} from '../../layer/shards/shard-plan.js'
import type {LayerFormat} from '../../layer/pack/pack.js'
import type {PackedContent} from '../../layer/pack/packed-content.js'
import {lookOf} from '../../layer/tree/layer-look.js'
import type {Tree} from '../../layer/tree/walked-entry.js'
import type {ContentStore} from '../../store/content-store.js'
import type {Ports} from '../../ports.js'
import {compare, type CompareOptions, type Comparison, findLayer} from './compare.js'
import {
  asContent,
  nothingSent,
  type SentLayers,
  type SlotFacts,
  type StoredContent,
} from './content.js'
import {type Group, packingOf, type SlotContent} from './group.js'
import {alike, type FindKnownLayers, type IsStanding, type KnownLayer} from './known-layers.js'

/** What will be done for the layers of a group, determined without changing anything. */
export type GroupPlan =
  /** The store has all of them. */
  | {readonly kind: 'stored'; readonly stored: StoredContent}
  /** Some of them must be packed. */
  | {
      readonly kind: 'missing'
      /** Layers that need not be stored again. */
      readonly known: readonly KnownLayer[]
      readonly isStanding: IsStanding
      /** How many layers there will be. */
      readonly count: number
      /** What is known about the content; only what was needed. */
      readonly content: Partial<SlotFacts>
      /** What will be sent, as far as it is known. */
      readonly unsent: SentLayers
      /** About how much of one layer `--layers auto` would send, from 0 to 1; may be unknown. */
      readonly share?: number | undefined
    }

export interface PlannedGroup extends Group {
  readonly plan: GroupPlan
}

export interface GroupPlanOptions extends LayerFormat {
  readonly findKnown: FindKnownLayers
  /** Of the group. */
  readonly isStanding: IsStanding
  /** Read the content to its end in any case. */
  readonly exhaustive: boolean
  /** Whether anything is missing must be known beforehand. */
  readonly isDecisive: boolean
}

/**
 * Checks how much of the content of a group the store has, and reads the content if that can save
 * work.
 */
export async function planGroup(
  store: ContentStore,
  group: Group,
  options: GroupPlanOptions,
  ports: Ports,
): Promise<PlannedGroup> {
  if (group.content.linked) return {...group, plan: {kind: 'stored', stored: asStored(group)}}
  const known = alike(await options.findKnown(group.targets), group.shards !== undefined)
  const listed = known.length > 0 && !group.shards ? await listedOnce(group, ports) : group
  return {...listed, plan: await lookFor(store, listed, {...options, known}, ports)}
}

/** What is looked at first is packed from what was found then, and not listed again. */
async function listedOnce(
  group: Group,
  {jobs = availableParallelism()}: Pick<Ports, 'jobs'>,
): Promise<Group> {
  const {entries} = group.content
  if (!entries.walk || entries.recordedRoot) return group
  const [{recordedOnce}, {walkParts}] = await Promise.all([
    import('../../layer/recording/recorded-content.js'),
    import('../../layer/recording/parts/walk-parts.js'),
  ])
  const parts = (tree: Tree) => walkParts(tree, jobs)
  return {
    ...group,
    content: {...group.content, entries: recordedOnce(entries, entries.walk, parts)},
  }
}

function asStored({content: {linked}}: Group): StoredContent {
  const layers = linked?.layers ?? []
  const diffId = layers.length === 1 ? layers[0]?.diffId : undefined
  return {layers, content: {diffId}, uploaded: false, sent: nothingSent}
}

/**
 * Finds existing content. A single layer is compared before it is packed; several layers are
 * compared one by one while they are stored, unless the result is needed at once.
 */
async function lookFor(
  store: ContentStore,
  {content, shards}: Group,
  options: GroupPlanOptions & {readonly known: readonly KnownLayer[]},
  ports: Ports,
): Promise<GroupPlan> {
  const {known, isStanding, exhaustive, isDecisive, compression, level} = options
  const how = {known, isStanding, compression, level, on: content.on}
  if (!shards) {
    const compared = await compareOne(store, content, {...how, exhaustive}, ports)
    return compared.layer && compared.content
      ? {kind: 'stored', stored: asContent(compared.layer, compared.content, false)}
      : {...missing(options, 1, compared.content ?? {}, 1), share: compared.share}
  }
  const count = countShards(shards)
  if (!exhaustive && !isDecisive) return missing(options, count, {}, count)
  const packing = packingOf(content, shards)
  const divided = {...content, plan: shards}
  const {compareShards} = await import('./compare-shards.js')
  const compared = await compareShards(store, divided, {...how, packing}, ports)
  const layers = compared.layers.filter((layer) => layer !== undefined)
  if (layers.length < compared.layers.length)
    return missing(options, count, compared.content, compared.layers.length - layers.length)
  const stored = {layers, content: compared.content, uploaded: false, sent: nothingSent}
  return {kind: 'stored', stored}
}

/** By what is remembered of the content, and else by what is in it. */
async function compareOne(
  store: ContentStore,
  slot: SlotContent,
  options: CompareOptions,
  ports: Ports,
): Promise<Comparison> {
  const {entries, memory, packing} = slot
  const isAsked = options.exhaustive || options.known.length > 0
  if (isAsked && packing && ports.sharedLayers) {
    const find = () => contentOf(store, slot, options, ports)
    const content = await ports.sharedLayers.content(packing, find)
    return findLayer(store, entries, {...options, content}, ports)
  }
  const recalled = isAsked && (await recall(slot, ports))
  if (recalled) return findLayer(store, entries, {...options, content: recalled}, ports)
  const compared = await compare(store, entries, options, ports)
  if (compared.content) memory?.remember(compared.content)
  return compared
}

/** What is remembered of the content; `undefined` if nothing is. */
async function recall(
  {entries, memory}: SlotContent,
  {signal}: Pick<Ports, 'signal'>,
): Promise<PackedContent | undefined> {
  if (memory?.isEmpty !== false) return undefined
  await entries.recall?.(signal)
  return memory.recall(entries.look?.() ?? lookOf(entries('states')))
}

/** What is remembered of the content, or what is in it. */
async function contentOf(
  store: ContentStore,
  slot: SlotContent,
  options: CompareOptions,
  ports: Ports,
): Promise<PackedContent> {
  const recalled = await recall(slot, ports)
  if (recalled) return recalled
  const whole = {...options, known: [], exhaustive: true}
  const {content} = await compare(store, slot.entries, whole, ports)
  if (!content) throw new Error('hashing without a limit came to one')
  slot.memory?.remember(content)
  return content
}

function missing(
  {
    known,
    isStanding,
  }: {
    readonly known: readonly KnownLayer[]
    readonly isStanding: IsStanding
  },
  count: number,
  content: Partial<SlotFacts>,
  unsent: number,
): Extract<GroupPlan, {kind: 'missing'}> {
  return {
    kind: 'missing',
    known,
    isStanding,
    count,
    content,
    unsent: {count: unsent, bytes: undefined},
  }
}
