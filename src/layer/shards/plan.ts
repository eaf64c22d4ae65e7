import type {Sharding} from '../../image/sharding.js'
import {cutPoints} from './cut-points.js'
import {recallPlan, withLooks} from './kept-plan.js'
import {aimed, autoLayers, leastTarget, steppedSize} from './layer-size.js'
import {countShards, shardPlan, type ShardPlan} from './shard-plan.js'
import {surveyTree} from './survey-tree.js'
import type {Entries, FindOptions} from '../tree/walked-entry.js'

/** `auto` leaves less than this in one layer. */
const leastTotal = 8 * 1024 * 1024

export interface PlannedShards {
  /** `undefined`: one layer. */
  readonly plan: ShardPlan | undefined
  /** The image's other layers leave no room for as many as there should be. */
  readonly isLimited: boolean
}

/**
 * How entries are divided into at most `room` layers. A small tree (`auto`), one without files, and
 * one that cannot be divided stay in one. No more than names and sizes decide. Walks the entries,
 * unless one layer is all that is wanted, or an earlier run kept the plan. Throws the signal's
 * reason.
 */
export async function planShards(
  entries: Entries,
  sharding: Sharding,
  room: number,
  options?: FindOptions,
): Promise<PlannedShards> {
  if (sharding === 1) return {plan: undefined, isLimited: false}
  const {division} = entries
  const key = `${sharding} of ${room}`
  if (division) await entries.recall?.(options?.signal)
  const recalled = division && recallPlan(division, key)
  if (recalled) return recalled
  const survey = await surveyTree(entries, options)
  const bytes = survey.items.bytes()
  const isAuto = sharding === 'auto'
  const isSmall = survey.items.length === 0 || (isAuto && bytes < leastTotal)
  if (isSmall || !survey.isDivisible) return {plan: undefined, isLimited: false}
  const ofDirectories = survey.directories > 0 ? 1 : 0
  const most = Math.max(1, Math.min(isAuto ? room : sharding, room) - ofDirectories)
  const wanted = isAuto ? Math.min(autoLayers, bytes / leastTarget) : sharding
  const aim = Math.max(1, isAuto ? Math.min(autoLayers, most * aimed) : most * aimed)
  const target = Math.max(isAuto ? leastTarget : 1, steppedSize(bytes / aim))
  const plan = shardPlan(survey, cutPoints(survey.items, {target, most}))
  const isLimited = wanted > (isAuto ? most * aimed : room)
  if (room <= 1 || countShards(plan) === 1) return {plan: undefined, isLimited}
  return division ? withLooks({key, plan, isLimited}, division) : {plan, isLimited}
}
