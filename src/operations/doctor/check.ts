import {type ErrorCode, InjectError, NetworkError, UsageError} from '../../errors.js'
import type {Digest} from '../../oci/digest.js'
import type {ProbeAnswer, Probe} from '../../registry/probe/probe.js'
import type {BlobInfo} from '../../oci/descriptor.js'

/**
 * `ok`: as the specification has it. `note`: otherwise, and updates work all the same. `fail`: they
 * will not.
 */
export type Outcome = 'ok' | 'note' | 'fail' | 'skipped'

/** What a check found out. */
export interface Finding {
  readonly outcome: Outcome
  /** One line. */
  readonly finding: string
  /** What `inject` does about it, where that is worth saying. */
  readonly consequence?: string | undefined
  /** Why updates will not work; with `fail` only. */
  readonly failure?: InjectError | undefined
}

/** What all checks of one run work on, and what they leave for each other. */
export interface Patient {
  readonly probe: Probe
  /** Empty: the registry as a whole. */
  readonly repository: string
  /** A tag or digest that the user named. */
  readonly reference: string | undefined
  readonly writes: boolean
  /** Part of the names and the content of all that is made: nobody else has it. */
  readonly mark: string
  readonly now: () => number
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>
  /** Whose credentials are used and where they come from, without any of them. */
  readonly who: () => Promise<string>
  readonly facts: Facts
}

export interface Facts {
  /** The answer to the ping, and when by our clock: the middle of asking and answering. */
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
  /** What has to be removed at the end. */
  readonly made: {readonly blobs: Set<Digest>; readonly manifests: Set<Digest>}
}

export interface Check {
  readonly name: string
  /** What is sent. */
  readonly asks: string
  /** Checks that must not have failed before. */
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

/** For an answer with a status that no check can make anything of. */
export function unexpected({status, failure}: ProbeAnswer, asked: string): Finding {
  const message = `${asked}: the registry answered ${status}`
  return fail(failure ?? new NetworkError('ERR_INJECT_REGISTRY_ANSWER', message))
}

/** Milliseconds that one check may take. */
const patience = 30_000

/**
 * Runs a check; what it throws is what it found. Throws the reason of `signal`, and `UsageError`:
 * that is not about the registry.
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
