import {type FleetReport, isChange} from '../../../fleet/report/outcome.js'
import {outcomeLine} from './outcome.js'

/** The images that would change, each on a line; `undefined`: none would. */
export function renderPlan({outcomes}: FleetReport): string | undefined {
  const lines = outcomes.filter(isChange).map(outcomeLine)
  return lines.length === 0 ? undefined : lines.join('\n')
}
