import {PreconditionError} from '../../errors.js'
import {hasLayers} from '../../image/slot.js'
import type {PlannedGroup} from './plan-group.js'

/**
 * Protects what is in a slot from a job that failed before us and left an empty directory. Throws
 * `PreconditionError` (`ERR_INJECT_EMPTY`) when nothing would replace the content of a slot, unless
 * that is allowed; as far as it is known what there is.
 */
export function refuseEmptiness({targets, content, plan}: PlannedGroup): void {
  const {entries} = plan.kind === 'stored' ? plan.stored.content : plan.content
  if (entries !== 0 || content.allowEmpty === true) return
  const layers = plan.kind === 'stored' ? plan.stored.layers : []
  if (targets.every(({slot}) => !slot || hasLayers(slot, layers))) return
  throw new PreconditionError(
    'ERR_INJECT_EMPTY',
    `there is nothing in ${content.on}, and the slot has something in it`,
    {hint: 'use --allow-empty to make the slot empty'},
  )
}
