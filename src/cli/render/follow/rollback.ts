import type {RollbackResult} from '../../../operations/rollback.js'
import type {ProgressEvent} from '../../../ports.js'

/** How the result of `rollback` is shown: the one line for stdout is what the tags name now. */
export const presentRollback = {
  line: ({reference, dryRun}: RollbackResult) => (dryRun ? undefined : reference),
  summary({digest, from, tags, dryRun, changed}: RollbackResult): ProgressEvent {
    const would = dryRun ? 'would be ' : ''
    const tagged = tags.length === 0 ? 'no tag moved' : `${would}tagged ${tags.join(', ')}`
    const what = changed ? `${digest} in place of ${from}` : `unchanged: ${digest}`
    return {kind: 'notice', message: `${what}; ${tagged}`}
  },
}
