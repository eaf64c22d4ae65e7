import prettyBytes from 'pretty-bytes'
import {type FleetReport, isFailure} from '../../../fleet/report/outcome.js'
import type {ProgressEvent} from '../../../ports.js'
import {count} from '../text/count.js'
import {outcomeLine, statusCounts} from './outcome.js'

/** The end of a run over many images: its sums. */
export function fleetSummary(report: FleetReport): ProgressEvent {
  const message = [summaryTitle(report), costParts(report).join(', ')].join('; ')
  return {kind: 'notice', message}
}

/** Each image that failed, and shards without a report, on lines of their own. */
export function fleetFailures(report: FleetReport): readonly string[] {
  const missing = missingLine(report)
  return [
    ...(missing === undefined ? [] : [missing]),
    ...report.outcomes.filter(isFailure).map(outcomeLine),
  ]
}

/** `certs: 60 images: 55 updated, 3 unchanged, 2 failed`. */
export function summaryTitle({fleet, shard, outcomes, totals}: FleetReport): string {
  const part = shard === null ? '' : ` (shard ${shard.index} of ${shard.count})`
  const counts = statusCounts(totals)
  const shown = counts.length === 0 ? '' : `: ${counts.join(', ')}`
  return `${fleet}${part}: ${count(outcomes.length, 'image')}${shown}`
}

/** What a run cost: layers, bytes, requests and time; in a plan what it would. */
export function costParts({costs, started, finished, dryRun}: FleetReport): string[] {
  const {layersPacked, bytesSent, bytesMounted, requests} = costs
  const seconds = Math.round((Date.parse(finished) - Date.parse(started)) / 1000)
  const would = dryRun ? 'would be ' : ''
  return [
    ...(layersPacked === 0 ? [] : [`${count(layersPacked, 'layer')} packed`]),
    `${prettyBytes(bytesSent)} ${would}sent`,
    ...(bytesMounted === 0 ? [] : [`${prettyBytes(bytesMounted)} ${would}saved by mounts`]),
    count(requests, 'request'),
    `${Math.max(0, seconds)} s`,
  ]
}

/** Which shards have no report; `undefined`: none is missing. */
export function missingLine({missingShards}: FleetReport): string | undefined {
  if (missingShards.length === 0) return undefined
  const [only, ...others] = missingShards
  if (others.length === 0) return `the report of shard ${only} is missing`
  return `the reports of shards ${missingShards.join(', ')} are missing`
}
