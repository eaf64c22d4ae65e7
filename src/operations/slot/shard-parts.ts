import type {PackedContent} from '../../layer/pack/packed-content.js'
import {divide, oneShard, placeEach, type Shard} from '../../layer/shards/divide.js'
import {countShards, type ShardPlan} from '../../layer/shards/shard-plan.js'
import {withFileXattrs} from '../../layer/tree/file-xattrs.js'
import {createLayerLooker, lookOf} from '../../layer/tree/layer-look.js'
import type {Entries, LayerLook, WalkedEntry} from '../../layer/tree/walked-entry.js'
import type {Ports} from '../../ports.js'
import type {SlotContent} from './group.js'

/** Content that is divided into layers by a plan. */
export interface ShardedContent extends Pick<SlotContent, 'content' | 'frame' | 'memory'> {
  readonly plan: ShardPlan
}

/** The entries of one layer of a divided slot, framed. */
export interface Part extends Shard {
  /** What they look like; absent if they were not looked at. */
  readonly look: LayerLook | undefined
  /** What they hold, if that is remembered. */
  readonly recalled: PackedContent | undefined
}

/** So many layers are each found by a walk of its own: more are divided in one walk. */
const fewLayers = 3

/**
 * The layers, lowest first. With a memory the files are looked at first. What is not remembered has
 * the attributes of its files, too.
 */
export function* partsOf(
  sharded: ShardedContent,
  {report}: Pick<Ports, 'report'>,
): Generator<Part> {
  const {content, plan, frame = asTheyAre, memory} = sharded
  // planning has looked at the states, too
  const states: Entries = () => content('states')
  const alone = shardsAlone(states, plan)
  const looks = memory && !memory.isEmpty ? lookAtAll(sharded, alone) : undefined
  const recalled = looks?.map((look) => memory?.recall(look))
  const unknown = recalled?.filter((layer) => layer === undefined).length ?? Infinity
  const shards =
    recalled && unknown <= fewLayers
      ? recalled.map((_, number) => alone(number))
      : divide(states, plan)
  const onWarning = (message: string): void => report({kind: 'warning', message})
  for (const {number, entries} of shards) {
    const whole = () => frame(withFileXattrs(entries(), onWarning))
    yield {number, entries: whole, look: looks?.[number], recalled: recalled?.[number]}
  }
}

/** What each layer looks like, without reading files: in one walk, but for what is kept. */
function lookAtAll(
  {content, plan, frame}: ShardedContent,
  alone: (number: number) => Shard,
): readonly LayerLook[] {
  const states: Entries = () => content('states')
  if (frame) return Array.from(divide(states, plan), ({entries}) => lookOf(frame(entries())))
  const kept = plan.kept?.looks
  if (kept && kept.filter((look) => look === undefined).length <= fewLayers)
    return kept.map((look, number) => look ?? lookOf(alone(number).entries()))
  const lookers = Array.from({length: countShards(plan)}, createLayerLooker)
  placeEach(states, plan, (shard, {entry, file}) => {
    lookers[shard]?.add(entry)
    if (file) lookers[shard]?.addFile(file)
  })
  return lookers.map((looker) => looker.look())
}

/** Each layer by a walk of its own, which is made once where its entries can be held. */
function shardsAlone(states: Entries, plan: ShardPlan): (number: number) => Shard {
  const shards = new Map<number, Shard>()
  return (number) => {
    const shard = shards.get(number) ?? oneShard(states, plan, number)
    shards.set(number, shard)
    return shard
  }
}

function asTheyAre(entries: Iterable<WalkedEntry>): Iterable<WalkedEntry> {
  return entries
}
