import type {ErrorCode} from '../../errors.js'
import type {Digest} from '../../oci/digest.js'

/** All that may have become of one image; in reports these words are used as they are. */
export const outcomeStatuses = [
  /** Right already; nothing was written. */
  'unchanged',
  /** Slots were added or replaced on the same base. */
  'updated',
  /** The vendor's tag had moved: the slots are on the new image. */
  'rebased',
  /** Slots of this fleet were taken out. */
  'removed',
  /** Copied as it is to another place. */
  'copied',
  /** The same in `plan` and dry runs: nothing was written. */
  'would-update',
  'would-rebase',
  'would-remove',
  'would-copy',
  /** It ended with an error; the tag is where `before` says. */
  'failed',
  /** The state could not be determined, or it is not known whether the tag moved. */
  'unknown',
  /** Never begun, because the run ended first: interrupted, or too many failures. */
  'not-started',
] as const

export type OutcomeStatus = (typeof outcomeStatuses)[number]

/** What became of one image of a fleet. */
export interface ImageOutcome {
  /** The image that the work started from, as `formatReference` writes it. */
  readonly reference: string
  /** Where the result is, in the same form; equal to `reference` where it is changed in place. */
  readonly target: string
  readonly status: OutcomeStatus
  /** What the target's tag named before; `null`: nothing, or it is not known. */
  readonly before: Digest | null
  /** What it names now, or would; `null`: nothing, or it is not known. */
  readonly after: Digest | null
  /** Bytes of blobs and manifests sent for this image; in plans an estimate. */
  readonly bytesSent: number
  /** Bytes of blobs that another repository of the registry had. */
  readonly bytesMounted: number
  /** Requests for this image alone; those for several images are in `FleetReport.costs` only. */
  readonly requests: number
  /** From its start to its end. */
  readonly seconds: number
  /** Why, on one line: always of `failed`, `unknown` and `not-started`; else `null` or a note. */
  readonly reason: string | null
  /** The code of the error; `null` if there was no error. */
  readonly code: ErrorCode | null
  /** What the user can do next, one clause; `null` if nothing needs to be done. */
  readonly nextStep: string | null
}

/** Which part of a fleet a run worked on. */
export interface Shard {
  /** Counted from 1. */
  readonly index: number
  readonly count: number
}

/** What a run cost altogether, with what several images shared. */
export interface FleetCosts {
  readonly layersPacked: number
  readonly bytesSent: number
  /** Bytes that were not sent because the registry mounted them. */
  readonly bytesMounted: number
  readonly requests: number
}

/** A run over many images: what `--report FILE` writes as JSON. */
export interface FleetReport {
  readonly schemaVersion: 1
  readonly kind: 'fleet-report'
  /** The fleet's name; for other commands over many images what they were told to do. */
  readonly fleet: string
  /** Of the fleet file's bytes, so that reports of different files are not joined. */
  readonly file: Digest | null
  /** Nothing was written: a plan or a dry run. */
  readonly dryRun: boolean
  /** `null`: all of the fleet. */
  readonly shard: Shard | null
  /** The version of `inject`. */
  readonly version: string
  /** RFC 3339, UTC. */
  readonly started: string
  readonly finished: string
  readonly costs: FleetCosts
  /** Of joined reports: the shards whose reports were not given; else empty. */
  readonly missingShards: readonly number[]
  /** One for each status that occurs. */
  readonly totals: Readonly<Partial<Record<OutcomeStatus, number>>>
  /** By reference, then target, bytewise. */
  readonly outcomes: readonly ImageOutcome[]
}

/** What a run says of itself, before its outcomes are counted and sorted. */
export type FleetRun = Omit<FleetReport, 'schemaVersion' | 'kind' | 'totals' | 'missingShards'> &
  Partial<Pick<FleetReport, 'missingShards'>>

/** The report of a run: outcomes in their order, with their totals. */
export function fleetReport(run: FleetRun): FleetReport {
  const outcomes = run.outcomes.toSorted(byName)
  return {
    schemaVersion: 1,
    kind: 'fleet-report',
    missingShards: [],
    ...run,
    totals: countStatuses(outcomes),
    outcomes,
  }
}

/** Whether an outcome makes the run fail: exit code 1. */
export function isFailure({status}: Pick<ImageOutcome, 'status'>): boolean {
  return status === 'failed' || status === 'unknown' || status === 'not-started'
}

/** Whether a run ends with exit code 1: an image failed, or a shard has no report. */
export function reportFails({outcomes, missingShards}: FleetReport): boolean {
  return missingShards.length > 0 || outcomes.some(isFailure)
}

/** Whether the image was changed, or would be: exit code 20 of a plan. */
export function isChange({status}: Pick<ImageOutcome, 'status'>): boolean {
  return status !== 'unchanged' && !isFailure({status})
}

function countStatuses(outcomes: readonly ImageOutcome[]): FleetReport['totals'] {
  const totals: Partial<Record<OutcomeStatus, number>> = {}
  for (const {status} of outcomes) totals[status] = (totals[status] ?? 0) + 1
  return totals
}

function byName(a: ImageOutcome, b: ImageOutcome): number {
  const order = Buffer.from(a.reference).compare(Buffer.from(b.reference))
  return order === 0 ? Buffer.from(a.target).compare(Buffer.from(b.target)) : order
}
