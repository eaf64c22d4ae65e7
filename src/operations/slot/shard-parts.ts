import type {PackedContent} from '../../layer/pack/packed-content.js'
import {divide, oneShard, type Shard} from '../../layer/shards/divide.js'
import {shardLooks} from '../../layer/shards/shard-looks.js'
import type {ShardPlan} from '../../layer/shards/shard-plan.js'
import {withFileXattrs} from '../../layer/tree/file-xattrs.js'
import {onceOfEachKind} from '../../layer/tree/xattrs/read-xattrs.js'
import {lookOf} from '../../layer/tree/layer-look.js'
import type {LayerLook} from '../../layer/tree/division.js'
import type {Entries, WalkedEntry} from '../../layer/tree/walked-entry.js'
import type {Ports} from '../../ports.js'
import type {SlotContent} from './group.js'

/** Content that is divided into layers by a plan. */
export interface ShardedContent extends Pick<SlotContent, 'content' | 'frame' | 'memory'> {
  readonly plan: ShardPlan
}

/** The entries of one layer of a divided slot, framed. */
export interface Part extends Pick<Shard, 'number'> {
  readonly entries: Entries
  /** What they look like; absent if they were not looked at. */
  readonly look: LayerLook | undefined
  /** What they hold, if that is remembered. */
  readonly recalled: PackedContent | undefined
  /** The newest mtime in it, in seconds; absent if finding it takes long. */
  readonly newest?: (() => number) | undefined
  /** See `Shard`. */
  readonly release: () => void
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
  const states: Entries = Object.assign(() => content('states'), {rows: content.rows})
  const shardOf = shardReader(states, plan)
  const looks = memory && !memory.isEmpty ? lookAtAll(sharded, shardOf) : undefined
  const onWarning = onceOfEachKind((message) => report({kind: 'warning', message}))
  const entriesOf = (shardAt: () => Shard): Entries => {
    const entries = () => frame(withFileXattrs(shardAt().entries(), onWarning))
    if (sharded.frame) return entries
    return Object.assign(entries, {held: {rows: () => shardAt().rows(), onWarning}})
  }
  if (!looks) {
    for (const shard of divide(states, plan)) {
      const entries = entriesOf(() => shard)
      const newest = sharded.frame ? undefined : () => shard.rows()?.newestMtime ?? -Infinity
      const {number, release} = shard
      yield {number, entries, look: undefined, recalled: undefined, newest, release}
    }
    return
  }
  for (const [number, look] of looks.entries()) {
    let shard: Shard | undefined
    const find = () => (shard ??= shardOf(number))
    const entries = entriesOf(find)
    const newest = sharded.frame ? undefined : () => newestIn(find())
    const release = () => shard?.release()
    yield {number, entries, look, recalled: memory?.recall(look), newest, release}
  }
}

/** What each layer looks like, without reading files: in one walk, but for what is kept. */
function lookAtAll(
  {content, plan, frame}: ShardedContent,
  shardOf: (number: number) => Shard,
): readonly LayerLook[] {
  const states: Entries = Object.assign(() => content('states'), {rows: content.rows})
  if (frame)
    return Array.from(divide(states, plan), ({entries, release}) => {
      const look = lookOf(frame(entries()))
      release()
      return look
    })
  const kept = plan.kept?.looks
  if (kept && kept.filter((look) => look === undefined).length <= fewLayers)
    return kept.map((look, number) => look ?? lookOf(shardOf(number).entries()))
  return shardLooks(states, plan)
}

/**
 * Gives the first few layers by a walk each, because often there are no more, and the others by one
 * walk if they are asked for in ascending order; one that it has passed by a walk of its own.
 */
function shardReader(states: Entries, plan: ShardPlan): (number: number) => Shard {
  const alone = new Map<number, Shard>()
  let divided: Iterator<Shard> | undefined
  let last: Shard | undefined
  return (number) => {
    const known = alone.get(number)
    if (known) return known
    if (alone.size < fewLayers) {
      const shard = oneShard(states, plan, number)
      alone.set(number, shard)
      return shard
    }
    if (last && last.number > number) return oneShard(states, plan, number)
    divided ??= divide(states, plan)
    while (last === undefined || last.number < number) {
      const next = divided.next()
      if (next.done === true) throw new Error(`the plan has no layer ${number}`)
      last = next.value
    }
    return last
  }
}

function newestIn({entries, rows}: Shard): number {
  const held = rows()
  if (held) return held.newestMtime
  let newest = -Infinity
  for (const {entry} of entries()) newest = Math.max(newest, entry.mtime)
  return newest
}

function asTheyAre(entries: Iterable<WalkedEntry>): Iterable<WalkedEntry> {
  return entries
}
