import type {Sharding} from '../../image/sharding.js'
import type {ShardPlan} from '../../layer/shards/divide.js'
import type {SuitableTarget} from '../find/suitable-image.js'
import type {FramedEntries} from './layer-entries.js'
import {planSharding, shardingOf} from './sharding.js'

/** What is to be put into one image. */
export interface SlotContent extends FramedEntries {
  /** Where in the image it belongs. */
  readonly path: string
  /** For whoever watches. */
  readonly on: string
  /** With nothing in it, it may replace what is in the slot. Default: it may not. */
  readonly allowEmpty?: boolean | undefined
  /** Seconds since the epoch; `undefined`: the newest mtime in the content. */
  readonly time?: number | undefined
  /** By which a later run knows that it may go on where this one was killed. */
  readonly packing?: readonly string[] | undefined
}

/** What is to be put into a target; `undefined`: this image stays as it is. */
export type ContentOf = (target: SuitableTarget) => Promise<SlotContent | undefined>

/** Targets that get the same layers, which are packed and pushed once. */
export interface Group {
  readonly targets: readonly SuitableTarget[]
  readonly content: SlotContent
  /** How the content is divided; `undefined`: it is one layer. */
  readonly shards: ShardPlan | undefined
  /** Equal for equal entries, divided in the same way. */
  readonly key: string
}

/** What is to be done with the targets. */
export interface GroupedTargets {
  readonly groups: readonly Group[]
  /** Those that stay as they are. */
  readonly kept: readonly SuitableTarget[]
}

/**
 * Puts targets with the same content, divided in the same way, together. Throws what `contentOf`
 * and `planSharding` throw.
 */
export async function groupTargets(
  targets: readonly SuitableTarget[],
  contentOf: ContentOf,
  asked: Sharding | undefined,
  warn: (message: string) => void,
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
  const groups = [...alike.values()].map((group): Group => {
    const places = group.targets.map(({suitable: image, slot}) => ({image, slot}))
    const shards = planSharding(group.content.content, places, asked, warn)
    const {key} = group.content
    return {...group, shards, key: shards ? `${key} ${JSON.stringify(shards.cuts)}` : key}
  })
  return {groups, kept}
}
