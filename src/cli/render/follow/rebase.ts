import type {RebasedImageResult, RebaseResult} from '../../../operations/follow/describe-rebase.js'
import type {ProgressEvent} from '../../../ports.js'
import {count} from '../text/count.js'
import {plainText} from '../text/escape.js'

/** How the result of `rebase` is shown: the one line for stdout is what the tags name now. */
export function presentRebase(digestFile: string | undefined) {
  return {
    line: ({reference}: RebaseResult) => reference ?? undefined,
    summary: summarise,
    cost: ({dryRun}: RebaseResult) => (dryRun ? undefined : {}),
    digestFile: {path: digestFile, of: ({digest}: RebaseResult) => digest},
  }
}

function summarise(result: RebaseResult): ProgressEvent {
  const {onto, changed, tags, images, platforms, dryRun} = result
  const {attestationsDropped: dropped, attestationsAdded: added} = result
  const none = `no tag ${dryRun ? 'would move' : 'moved'}`
  const tagged =
    tags.length === 0 ? none : `${dryRun ? 'would be tagged' : 'tagged'} ${tags.join(', ')}`
  if (!changed) {
    const message = `unchanged: the slots are already on ${onto.reference}; ${tagged}`
    return {kind: 'notice', message}
  }
  const names = [...new Set(images.flatMap(({slots}) => slots.map(({name}) => name)))]
  const what = names.length === 1 ? `slot ${names[0]}` : `slots ${names.join(', ')}`
  const repacked = images.flatMap(({slots}) => slots).reduce((sum, each) => sum + each.repacked, 0)
  const parts = [
    `${what} ${dryRun ? 'would be ' : ''}put on ${onto.reference} (${onto.to})`,
    `for ${images.map(({platform}) => platform).join(', ')}`,
    repacked > 0 ? `${repacked} layers repacked for its directories` : '',
    platforms.added.length > 0 ? `new without slots: ${platforms.added.join(', ')}` : '',
    platforms.removed.length > 0 ? `gone: ${platforms.removed.join(', ')}` : '',
    dropped > 0 ? `${count(dropped, 'attestation')} dropped` : '',
    added > 0 ? `${count(added, 'attestation')} ${dryRun ? 'would be ' : ''}added` : '',
    ...new Set(images.flatMap(findings)),
  ]
  const message = `${parts.filter(Boolean).join('; ')}; ${tagged}`
  return {kind: images.some(hasFindings) ? 'warning' : 'notice', message}
}

function hasFindings({hiddenCount, changedTwice}: RebasedImageResult): boolean {
  return hiddenCount > 0 || changedTwice.length > 0
}

function findings({hidden, hiddenCount, changedTwice, isLookComplete}: RebasedImageResult) {
  const shown = hidden.slice(0, 3).map(plainText).join(', ')
  const members = changedTwice.map(({member}) => plainText(member)).join(', ')
  return [
    hiddenCount > 0
      ? `${hiddenCount} of its files are hidden by the slots: ${shown}${hiddenCount > 3 ? ', …' : ''}`
      : '',
    members === '' ? '' : `also changed by the vendor, the slot's value is kept: ${members}`,
    isLookComplete ? '' : 'not all layers were searched for hidden files (use --look all)',
  ]
}
