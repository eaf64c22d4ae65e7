import type {ImageOutcome, OutcomeStatus} from '../../../fleet/report/outcome.js'

/** How each status is called in sentences. */
export const statusWords: Readonly<Record<OutcomeStatus, string>> = {
  unchanged: 'unchanged',
  updated: 'updated',
  rebased: 'rebased',
  removed: 'removed',
  copied: 'copied',
  'would-update': 'would be updated',
  'would-rebase': 'would be rebased',
  'would-remove': 'would be removed',
  'would-copy': 'would be copied',
  failed: 'failed',
  unknown: 'unknown',
  'not-started': 'not started',
}

/** One image on one line: `updated: registry.example/a:v1 -> registry.example/a:v1-certs`. */
export function outcomeLine(outcome: ImageOutcome): string {
  const {status, reason} = outcome
  const line = `${statusWords[status]}: ${imageName(outcome)}`
  return reason === null ? line : `${line}: ${reasonText(outcome)}`
}

/** The image, and where it went if that is elsewhere. */
export function imageName({reference, target}: ImageOutcome): string {
  return reference === target ? reference : `${reference} -> ${target}`
}

/** Why, with the code of the error and what to do next; empty if there is nothing to say. */
export function reasonText({reason, code, nextStep}: ImageOutcome): string {
  if (reason === null) return ''
  const coded = code === null ? reason : `${reason} (${code})`
  return nextStep === null ? coded : `${coded}: ${nextStep}`
}

/** `55 updated, 3 unchanged, 2 failed`, in the order of the statuses; changes first. */
export function statusCounts(totals: Readonly<Partial<Record<OutcomeStatus, number>>>): string[] {
  const order = Object.keys(statusWords) as OutcomeStatus[]
  // unchanged ones are the least of the news, before those that did not work
  const [unchanged = 'unchanged', ...others] = order
  const firstFailure = others.indexOf('failed')
  const sorted = [...others.slice(0, firstFailure), unchanged, ...others.slice(firstFailure)]
  return sorted.flatMap((status) => {
    const number = totals[status]
    return number ? [`${number} ${statusWords[status]}`] : []
  })
}
