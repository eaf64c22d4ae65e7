import type {PackedContent} from '../../layer/pack/packed-content.js'
import {
  countShards,
  divide,
  oneShard,
  placeEach,
  type Shard,
  type ShardPlan,
} from '../../layer/shards/divide.js'
import {withFileXattrs} from '../../layer/tree/file-xattrs.js'
import {createLayerLooker, lookOf} from '../../layer/tree/layer-look.js'
import type {Entries, WalkedEntry} from '../../layer/tree/walked-entry.js'
import type {Ports} from '../../ports.js'
import type {SlotContent} from './group.js'
import type {SlotMemory} from './slot-memory.js'

/** Content that is divided into layers by a plan. */
export interface ShardedContent extends Pick<SlotContent, 'content' | 'frame' | 'memory'> {
  readonly plan: ShardPlan
}

/** The entries of one layer of a divided slot, framed. */
export interface Part extends Shard {
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
  const recalled = memory && !memory.isEmpty ? recallAll(sharded, memory) : undefined
  const unknown = recalled?.filter((layer) => layer === undefined).length ?? Infinity
  const shards =
    recalled && unknown <= fewLayers
      ? recalled.map((_, number) => oneShard(states, plan, number))
      : divide(states, plan)
  const onWarning = (message: string): void => report({kind: 'warning', message})
  for (const {number, entries} of shards) {
    const whole = () => frame(withFileXattrs(entries(), onWarning))
    yield {number, entries: whole, recalled: recalled?.[number]}
  }
}

/** What is remembered of each layer, in one walk that reads no files. */
function recallAll(
  {content, plan, frame}: ShardedContent,
  memory: SlotMemory,
): readonly (PackedContent | undefined)[] {
  const states: Entries = () => content('states')
  if (frame) {
    const shards = divide(states, plan)
    return Array.from(shards, ({entries}) => memory.recall(lookOf(frame(entries()))))
  }
  const lookers = Array.from({length: countShards(plan)}, createLayerLooker)
  placeEach(states, plan, (shard, {entry, file}) => {
    lookers[shard]?.add(entry)
    if (file) lookers[shard]?.addFile(file)
  })
  return lookers.map((looker) => memory.recall(looker.look()))
}

function asTheyAre(entries: Iterable<WalkedEntry>): Iterable<WalkedEntry> {
  return entries
}
