import type {ConfigEdits} from '../../image/config-edits.js'
import type {Layer} from '../../image/image.js'
import type {MergedFile} from '../../image/merge.js'
import type {Sharding, SlotParents} from '../../image/sharding.js'
import type {ShardPlan} from '../../layer/shards/shard-plan.js'
import type {SuitableTarget} from '../find/suitable-image.js'
import type {Ports} from '../../ports.js'
import type {FramedEntries} from './entries/layer-entries.js'
import {planSharding, shardingOf} from './sharding.js'
import type {SlotMemory} from './slot-memory.js'
import {reportedWalk} from './walk-report.js'

/** The content for one image. */
export interface SlotContent extends FramedEntries {
  /** Where in the image it goes. */
  readonly path: string
  /** Names the content in progress reports. */
  readonly on: string
  /** Allow empty content to replace what is in the slot. Default: `false`. */
  readonly allowEmpty?: boolean | undefined
  /** Looks whether there is nothing in it but the directory itself. Default: there is something. */
  readonly isEmpty?: (() => boolean) | undefined
  /** Seconds since the epoch; `undefined`: the newest mtime in the content. */
  readonly time?: number | undefined
  /** A later run compares it to know whether it can resume where this one was killed. */
  readonly packing?: readonly string[] | undefined
  /** What is remembered of its layers. */
  readonly memory?: SlotMemory | undefined
  /** Changes of the image's config that belong to this content. */
  readonly edits?: ConfigEdits | undefined
  /** Files in it that hold the vendor's part and ours. */
  readonly merges?: readonly MergedFile[] | undefined
  /** Where it was taken from, see `formatGraft`. */
  readonly from?: string | undefined
  /** Its layers, where they are those of another slot: nothing is packed. */
  readonly linked?: LinkedLayers | undefined
}

/** Layers that are in the store, or come into it together with the manifest that names them. */
export interface LinkedLayers {
  /** Lowest first. */
  readonly layers: readonly Layer[]
  readonly sharding: Sharding
  readonly parents: SlotParents | undefined
}

/** The content for a target; `undefined`: this image stays as it is. */
export type ContentOf = (target: SuitableTarget) => Promise<SlotContent | undefined>

/** Targets with the same layers, which are packed and pushed once. */
export interface Group {
  readonly targets: readonly SuitableTarget[]
  readonly content: SlotContent
  /** How the content is divided; `undefined`: it is a single layer. */
  readonly shards: ShardPlan | undefined
  /** Equal for equal entries, divided in the same way. */
  readonly key: string
}

/**
 * What decides, with the number of a layer, what is packed: a later run resumes, and other images
 * of this one share, what is equal in it.
 */
export function packingOf(
  {packing}: Pick<SlotContent, 'packing'>,
  shards: ShardPlan | undefined,
): readonly string[] | undefined {
  return packing && shards ? [...packing, JSON.stringify(shards.cuts)] : packing
}

/** What will be done with the targets. */
export interface GroupedTargets {
  readonly groups: readonly Group[]
  /** Targets that do not change. */
  readonly kept: readonly SuitableTarget[]
}

/**
 * Groups targets with the same content, divided in the same way. Throws what `contentOf` and
 * `planSharding` throw.
 */
export async function groupTargets(
  targets: readonly SuitableTarget[],
  contentOf: ContentOf,
  asked: Sharding | undefined,
  {report}: Pick<Ports, 'report'>,
): Promise<GroupedTargets> {
  const kept: SuitableTarget[] = []
  const alike = new Map<string, {content: SlotContent; targets: SuitableTarget[]}>()
  for (const target of targets) {
    const content = await contentOf(target)
    if (!content) {
      kept.push(target)
      continue
    }
    const key = `${content.key} ${shardingOf(asked, target.slot)}`
    const known = alike.get(key)
    if (known) known.targets.push(target)
    else alike.set(key, {content, targets: [target]})
  }
  const warn = (message: string): void => report({kind: 'warning', message})
  const groups: Group[] = []
  for (const group of alike.values()) {
    const places = group.targets.map(({suitable: image, slot}) => ({image, slot}))
    const {linked, content} = group.content
    const shards = linked
      ? undefined
      : await planSharding(reportedWalk(content, {report}), places, asked, warn)
    const {key} = group.content
    groups.push({...group, shards, key: shards ? `${key} ${JSON.stringify(shards.cuts)}` : key})
  }
  return {groups, kept}
}
