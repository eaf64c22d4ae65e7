import prettyBytes from 'pretty-bytes'
import {type FleetReport, type ImageOutcome, isChange} from '../../../fleet/report/outcome.js'
import {outcomeLine} from './outcome.js'

/** The images that would change, each on a line with its bytes; `undefined`: none would. */
export function renderPlan({outcomes}: FleetReport): string | undefined {
  const lines = outcomes.filter(isChange).map(planLine)
  return lines.length === 0 ? undefined : lines.join('\n')
}

function planLine(outcome: ImageOutcome): string {
  const {bytesSent, bytesMounted} = outcome
  const mounted = bytesMounted === 0 ? '' : `, ${prettyBytes(bytesMounted)} mounted`
  return `${outcomeLine(outcome)} (${prettyBytes(bytesSent)} sent${mounted})`
}
