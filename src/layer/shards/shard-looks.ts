import {createLayerLooker} from '../tree/layer-look.js'
import type {LayerLook} from '../tree/division.js'
import type {Entries, WalkedEntry} from '../tree/walked-entry.js'
import {placeEach} from './divide.js'
import {countShards, type ShardPlan} from './shard-plan.js'

/**
 * What each layer looks like, the lowest first, by one walk of entries that have their states.
 * `onPlaced` is told of each entry and the number of its layer. Throws what `placeEach` throws.
 */
export function shardLooks(
  entries: Entries,
  plan: ShardPlan,
  onPlaced?: (shard: number, walked: WalkedEntry) => void,
): LayerLook[] {
  const lookers = Array.from({length: countShards(plan)}, createLayerLooker)
  placeEach(entries, plan, (shard, walked) => {
    lookers[shard]?.add(walked.entry)
    if (walked.file) lookers[shard]?.addFile(walked.file)
    onPlaced?.(shard, walked)
  })
  return lookers.map((looker) => looker.look())
}
