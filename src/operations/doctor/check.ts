import {type ErrorCode, InjectError, NetworkError, UsageError} from '../../errors.js'
import type {Digest} from '../../oci/digest.js'
import type {ProbeAnswer, Probe} from '../../registry/probe/probe.js'
import type {BlobInfo} from '../../oci/descriptor.js'

/**
 * `ok`: as the specification says. `note`: different, but updates work. `fail`: updates will not
 * work.
 */
export type Outcome = 'ok' | 'note' | 'fail' | 'skipped'

/** The result of a check. */
export interface Finding {
  readonly outcome: Outcome
  /** One line. */
  readonly finding: string
  /** What `inject` does about it, if that is worth saying. */
  readonly consequence?: string | undefined
  /** Why updates will not work; with `fail` only. */
  readonly failure?: InjectError | undefined
}

/** What all checks of one run share: their input, and the results that later checks need. */
export interface Patient {
  readonly probe: Probe
  /** Empty: the registry as a whole. */
  readonly repository: string
  /** A tag or digest that the user named. */
  readonly reference: string | undefined
  readonly writes: boolean
  /** Unique to this run; part of the name and content of everything that it creates. */
  readonly mark: string
  readonly now: () => number
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>
  /** Whose credentials are used and where they come from, without the credentials themselves. */
  readonly who: () => Promise<string>
  readonly facts: Facts
}

export interface Facts {
  /** The answer to the ping, and its local time: halfway between request and answer. */
  ping?: {readonly answer: ProbeAnswer; readonly at: number}
  tag?: string
  manifest?: Digest
  /** Of the check that sends it in one piece. */
  blob?: BlobInfo
  /** The image that names it. */
  image?: {readonly config: BlobInfo; readonly manifest: Digest}
  /** The fewest bytes of a chunk, as the registry says. */
  minChunk: number
  takesPut: boolean
  takesRanges: boolean
  /** What must be removed at the end. */
  readonly made: {readonly blobs: Set<Digest>; readonly manifests: Set<Digest>}
}

export interface Check {
  readonly name: string
  /** What is sent. */
  readonly asks: string
  /** Checks that must have passed before this one. */
  readonly needs?: readonly string[]
  readonly run: (patient: Patient, signal: AbortSignal) => Promise<Finding>
}

export interface CheckResult {
  readonly name: string
  readonly asks: string
  readonly outcome: Outcome
  readonly finding: string
  readonly consequence: string | null
  /** Of the error, when it failed. */
  readonly code: ErrorCode | null
}

export const ok = (finding: string, consequence?: string): Finding => ({
  outcome: 'ok',
  finding,
  consequence,
})
export const note = (finding: string, consequence?: string): Finding => ({
  outcome: 'note',
  finding,
  consequence,
})
export const skipped = (finding: string): Finding => ({outcome: 'skipped', finding})
export const fail = (failure: InjectError): Finding => ({
  outcome: 'fail',
  finding: failure.message,
  consequence: failure.hint,
  failure,
})

/** The result for an answer with an unexpected status. */
export function unexpected({status, failure}: ProbeAnswer, asked: string): Finding {
  const message = `${asked}: the registry answered ${status}`
  return fail(failure ?? new NetworkError('ERR_INJECT_REGISTRY_ANSWER', message))
}

/** Milliseconds that one check may take. */
const patience = 30_000

/**
 * Runs a check and turns an error into its result. Throws the reason of `signal`, and `UsageError`,
 * because that is not about the registry.
 */
export async function runCheck(
  check: Check,
  patient: Patient,
  signal: AbortSignal,
  limit: number = patience,
): Promise<Finding> {
  const timer = AbortSignal.timeout(limit)
  try {
    return await check.run(patient, AbortSignal.any([signal, timer]))
  } catch (error) {
    signal.throwIfAborted()
    if (timer.aborted) {
      const message = `${check.asks}: no answer within ${limit / 1000} s`
      return fail(new NetworkError('ERR_INJECT_NETWORK', message))
    }
    if (error instanceof InjectError && !(error instanceof UsageError)) return fail(error)
    throw error
  }
}
