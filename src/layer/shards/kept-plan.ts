import * as v from 'valibot'
import {parseJsonValue} from '../../oci/json-value.js'
import type {RecalledDivision} from '../tree/division.js'
import type {DivisionKeeper} from '../tree/walked-entry.js'
import {countShards, type KeptLooks, type ShardPlan} from './shard-plan.js'

/** How many files with names elsewhere a plan that is kept has at most. */
const mostNames = 10_000

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const shape = v.object({
  key: v.string(),
  isLimited: v.boolean(),
  cuts: v.array(count),
  hashes: v.array(count),
  items: count,
  names: v.array(v.tuple([count, count])),
  directories: count,
  entries: count,
})

/** A plan, with what decided it besides the entries. */
export interface KeyedPlan {
  readonly key: string
  readonly plan: ShardPlan
  /** See `PlannedShards`. */
  readonly isLimited: boolean
}

/**
 * The plan that an earlier run kept under this key; `undefined` if it did not, or if another one
 * would be made now.
 */
export function recallPlan(keeper: DivisionKeeper, key: string): KeyedPlan | undefined {
  const recalled = keeper.recall()
  const keyed = recalled && decodePlan(recalled)
  if (keyed?.key !== key || countShards(keyed.plan) !== recalled?.looks.length) return undefined
  return withLooks(keyed, keeper, recalled)
}

/** The plan, with a place for the looks of its layers. */
export function withLooks(
  keyed: KeyedPlan,
  keeper: DivisionKeeper,
  recalled?: RecalledDivision,
): KeyedPlan {
  const {plan} = keyed
  // whiteouts are in the lowest layer, wherever they stand
  if (plan.whiteouts > 0 || plan.names.size > mostNames) return keyed
  const keep: KeptLooks['keep'] = (all) => {
    keeper.keep({plan: encodePlan(keyed), cuts: plan.cuts, looks: all})
  }
  const {cuts, names} = plan
  const entriesOf: KeptLooks['entriesOf'] = (layer) => {
    return keeper.entriesOf({from: cuts[layer - 1] ?? 0, to: cuts[layer] ?? Infinity, names})
  }
  return {...keyed, plan: {...plan, kept: {looks: recalled?.looks, entriesOf, keep}}}
}

function encodePlan({key, isLimited, plan}: KeyedPlan): string {
  const {cuts, hashes, items, names, directories, entries} = plan
  return JSON.stringify({
    ...{key, isLimited, cuts, hashes, items, directories, entries},
    names: [...names],
  })
}

function decodePlan({plan, newestMtime}: RecalledDivision): KeyedPlan | undefined {
  const found = v.safeParse(shape, parseJsonValue(plan))
  if (!found.success) return undefined
  const {key, isLimited, names, ...facts} = found.output
  return {key, isLimited, plan: {...facts, names: new Map(names), whiteouts: 0, newestMtime}}
}
