import * as v from 'valibot'
import {type ErrorCode, IntegrityError} from '../../errors.js'
import {parseJsonValue} from '../../oci/json-value.js'
import {digestShape, faultIn, listShape, plainShape} from '../../oci/shape.js'
import {type FleetReport, fleetReport, outcomeStatuses} from './outcome.js'

/** The most bytes of one report: that of 100,000 images has about half as many. */
export const reportLimit = 128 * 1024 * 1024
const mostOutcomes = 200_000
/** More than any engine runs of one job. */
const mostShards = 10_000

/** Longer than any text that a report of ours has. */
const text = v.pipe(v.string('must be a string'), v.maxLength(8192, 'must not be so long'))
const textOrNull = v.nullable(text)
const count = v.custom<number>(
  (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  'must be a whole number',
)
/** Of a shard, or how many there are. */
const shardNumber = v.custom<number>(
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= mostShards,
  `must be a whole number from 1 to ${mostShards}`,
)
const code = v.custom<ErrorCode>(
  (value) => typeof value === 'string' && /^ERR_INJECT_[A-Z0-9_]{1,60}$/.test(value),
  'must be an error code',
)
const time = v.custom<string>(
  (value) =>
    typeof value === 'string' &&
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/.test(value) &&
    !Number.isNaN(Date.parse(value)),
  'must be a time in UTC',
)
const seconds = v.custom<number>(
  (value) => typeof value === 'number' && value >= 0 && value < 1e9,
  'must be a number of seconds',
)

const outcome = plainShape({
  reference: text,
  target: text,
  status: v.picklist(outcomeStatuses, 'must be a status'),
  before: v.nullable(digestShape),
  after: v.nullable(digestShape),
  bytesSent: count,
  bytesMounted: count,
  requests: count,
  seconds,
  reason: textOrNull,
  code: v.nullable(code),
  nextStep: textOrNull,
})

const shape = plainShape({
  schemaVersion: v.literal(1, 'must be 1'),
  kind: v.literal('fleet-report', 'must be fleet-report'),
  fleet: text,
  file: v.nullable(digestShape),
  dryRun: v.boolean('must be true or false'),
  shard: v.nullable(plainShape({index: shardNumber, count: shardNumber})),
  version: text,
  started: time,
  finished: time,
  costs: plainShape({layersPacked: count, bytesSent: count, bytesMounted: count, requests: count}),
  missingShards: listShape(shardNumber),
  outcomes: v.pipe(
    listShape(outcome),
    v.maxLength(mostOutcomes, `must not have more than ${mostOutcomes} outcomes`),
  ),
})

/**
 * Reads a report of at most `reportLimit` bytes that `--report FILE.json` wrote; `what` names it in
 * messages. Sums are computed again, and members that we do not know are left out. Throws
 * `IntegrityError` (`ERR_INJECT_REPORT_INVALID`).
 */
export function decodeReport(bytes: Uint8Array, what: string): FleetReport {
  const value = parseJsonValue(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString())
  if (value === undefined) throw invalid(`${what} is not JSON`)
  const fault = faultIn(shape, value)
  if (fault !== undefined) throw invalid(`${what} is not a report of inject: ${fault}`)
  const report = v.parse(shape, value)
  const {shard} = report
  if (shard && shard.index > shard.count)
    throw invalid(
      `${what} is not a report of inject: it is of shard ${shard.index} of ${shard.count}`,
    )
  return fleetReport(report)
}

function invalid(message: string): IntegrityError {
  return new IntegrityError('ERR_INJECT_REPORT_INVALID', message, {
    hint: 'pass JSON files that --report FILE.json wrote',
  })
}
