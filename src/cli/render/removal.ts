import {count} from './text/count.js'
import type {ProgressEvent} from '../../ports.js'
import type {RemoveResult} from '../../operations/remove.js'

/** How the result of `remove` is shown: the one line for stdout is what the tags name now. */
export function presentRemoval(digestFile: string | undefined) {
  return {
    line: ({reference, dryRun}: RemoveResult) => (dryRun ? undefined : reference),
    summary: summariseRemoval,
    digestFile: {path: digestFile, of: ({digest}: RemoveResult) => digest},
  }
}

function summariseRemoval(result: RemoveResult): ProgressEvent {
  const {slot, original, tags, attestationsDropped: dropped, dryRun} = result
  const would = dryRun ? 'would be ' : ''
  const is = dryRun ? 'would be' : 'is'
  const what = original
    ? `the image ${is} the original one again`
    : `the image ${dryRun ? 'would have' : 'has'} a new digest`
  const none = `no tag ${dryRun ? 'would move' : 'moved'}`
  const tagged = tags.length === 0 ? none : `${would}tagged ${tags.join(', ')}`
  const gone = dropped > 0 ? `; ${count(dropped, 'attestation')} ${would}dropped` : ''
  return {kind: 'notice', message: `slot ${slot} ${would}removed: ${what}${gone}; ${tagged}`}
}
