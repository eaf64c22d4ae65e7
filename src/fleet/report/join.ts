import {PreconditionError} from '../../errors.js'
import {type FleetCosts, type FleetReport, fleetReport, type ImageOutcome} from './outcome.js'

/** A report, and what it is called in messages. */
export interface NamedReport {
  readonly name: string
  readonly report: FleetReport
}

/**
 * Joins the reports of a fleet's shards to one; shards without a report are in `missingShards`.
 * Throws `PreconditionError` (`ERR_INJECT_REPORTS_DIFFER`) for reports that are not of one run over
 * one fleet file, and (`ERR_INJECT_REPORT_TWICE`) where two are of the same shard or have the same
 * image.
 */
export function joinReports(reports: readonly [NamedReport, ...NamedReport[]]): FleetReport {
  const [first, ...others] = reports
  for (const other of others) refuseOther(first, other)
  const count = first.report.shard?.count ?? 1
  const byShard = new Map<number, NamedReport>()
  for (const named of reports) {
    const index = named.report.shard?.index ?? 1
    const same = byShard.get(index)
    if (same) throw twice(`shard ${index} of ${count}`, same, named)
    byShard.set(index, named)
  }
  const missingShards = Array.from({length: count}, (_, at) => at + 1).filter(
    (index) => !byShard.has(index),
  )
  const all = reports.map(({report}) => report)
  return fleetReport({
    ...first.report,
    shard: null,
    missingShards,
    version: [...new Set(all.map(({version}) => version))].sort().join(', '),
    started: all.map(({started}) => started).reduce(earlier),
    finished: all.map(({finished}) => finished).reduce((a, b) => (earlier(a, b) === a ? b : a)),
    costs: all.map(({costs}) => costs).reduce(added),
    outcomes: joinOutcomes(reports),
  })
}

function joinOutcomes(reports: readonly NamedReport[]): ImageOutcome[] {
  const byTarget = new Map<string, NamedReport>()
  const outcomes: ImageOutcome[] = []
  for (const named of reports) {
    for (const outcome of named.report.outcomes) {
      const key = JSON.stringify([outcome.reference, outcome.target])
      const same = byTarget.get(key)
      if (same) throw twice(`image ${outcome.target}`, same, named)
      byTarget.set(key, named)
      outcomes.push(outcome)
    }
  }
  return outcomes
}

/** Throws unless both reports are of the same fleet, divided into the same number of shards. */
function refuseOther({name, report}: NamedReport, other: NamedReport): void {
  const facts = (of: FleetReport) =>
    [
      ['fleet', of.fleet],
      ['fleet file', of.file ?? 'none'],
      ['number of shards', String(of.shard?.count ?? 1)],
      ['mode', of.dryRun ? 'plan' : 'apply'],
    ] as const
  const theirs = facts(other.report)
  for (const [at, [what, expected]] of facts(report).entries()) {
    const found = theirs[at]?.[1] ?? ''
    if (found === expected) continue
    throw new PreconditionError(
      'ERR_INJECT_REPORTS_DIFFER',
      `${other.name} and ${name} are not of the same run: the ${what} differs`,
      {expected, found, hint: 'join reports of one run only'},
    )
  }
}

function twice(what: string, one: NamedReport, other: NamedReport): PreconditionError {
  const where = one === other ? `twice in ${one.name}` : `in both ${one.name} and ${other.name}`
  return new PreconditionError('ERR_INJECT_REPORT_TWICE', `${what} is ${where}`, {
    hint: 'pass one report of each shard',
  })
}

/** Times in UTC may have fractions of any length. */
function earlier(a: string, b: string): string {
  return Date.parse(a) <= Date.parse(b) ? a : b
}

function added(a: FleetCosts, b: FleetCosts): FleetCosts {
  return {
    layersPacked: a.layersPacked + b.layersPacked,
    bytesSent: a.bytesSent + b.bytesSent,
    bytesMounted: a.bytesMounted + b.bytesMounted,
    requests: a.requests + b.requests,
  }
}
