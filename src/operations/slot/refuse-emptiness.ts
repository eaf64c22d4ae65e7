import {PreconditionError} from '../../errors.js'
import {hasLayers} from '../../image/slot.js'
import type {SlotContent} from './group.js'
import type {PlannedGroup} from './plan-group.js'

/**
 * Protects the content of a slot from an earlier job that failed and left an empty directory.
 * Throws `PreconditionError` (`ERR_INJECT_EMPTY`) when empty content would replace the content of a
 * slot, unless that is allowed. It does nothing while the size of the content is unknown.
 */
export function refuseEmptiness({targets, content, plan}: PlannedGroup): void {
  const {entries} = plan.kind === 'stored' ? plan.stored.content : plan.content
  if (entries === undefined || content.allowEmpty === true || !isEmpty(content)) return
  const layers = plan.kind === 'stored' ? plan.stored.layers : []
  if (targets.every(({slot}) => !slot || hasLayers(slot, layers))) return
  throw new PreconditionError(
    'ERR_INJECT_EMPTY',
    `there is nothing in ${content.on}, and the slot has something in it`,
    {hint: 'use --allow-empty to make the slot empty'},
  )
}

/** Whether a slot would have nothing in it: an entry for its own directory is not content. */
export function isEmpty(content: Pick<SlotContent, 'isEmpty'>): boolean {
  return content.isEmpty?.() === true
}
