import type {InjectError} from '../../errors.js'
import type {Digest} from '../../oci/digest.js'
import type {Probe} from '../../registry/probe/probe.js'
import {auth} from './auth.js'
import {
  type Check,
  type CheckResult,
  type Finding,
  type Patient,
  runCheck,
  skipped,
} from './check.js'
import {cleanup, ifMatch, ifNoneMatch, manifestPut} from './manifest.js'
import {clock, ping, tls} from './reach.js'
import {absent, blobHead, manifestHead, referrers, tags} from './read.js'
import {brokenUpload, mount, uploadCancel, uploadStatus} from './upload-session.js'
import * as uploads from './upload.js'
import type {Ports} from '../../ports.js'

/** The side effects of the operation, besides the registry. */
export interface DoctorPorts extends Pick<Ports, 'signal'> {
  readonly openProbe: (writes: boolean) => Probe
  /** Whose credentials are used and where they come from, without the credentials themselves. */
  readonly who: () => Promise<string>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Rejects with the signal's reason when that is aborted. */
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>
  /** Letters and digits that are unique to this run. */
  readonly mark: () => string
}

export interface DoctorOptions {
  readonly registry: string
  /** Empty: the registry as a whole. */
  readonly repository: string
  /** A tag or digest to look at; default: any existing tag. */
  readonly reference?: string | undefined
  /** Whether to try uploads as well. */
  readonly writes: boolean
}

export interface DoctorReport {
  readonly registry: string
  readonly repository: string | null
  /** The address of its API. */
  readonly url: string
  readonly writes: boolean
  /** Only the checks that ran. */
  readonly works: boolean
  readonly checks: readonly CheckResult[]
}

const reach = [ping, tls, auth, clock]
const reading = [tags, manifestHead, blobHead, absent, referrers]
const writing = [
  uploads.uploadStart,
  uploads.singlePut,
  uploads.streamedPatch,
  uploads.rangedPatch,
  uploads.chunkLimit,
  uploadStatus,
  brokenUpload,
  uploadCancel,
  mount,
  manifestPut,
  ifNoneMatch,
  ifMatch,
]
/** Milliseconds that the cleanup may take. */
const lastPatience = 20_000

/**
 * Checks everything about a registry that an update depends on and that differs between registries.
 * When a check fails, only the checks that depend on it are skipped; `failure` is the error of the
 * first one. Nothing is written unless `writes` is set, and what was written is removed if the
 * registry allows it.
 */
export async function doctor(
  options: DoctorOptions,
  ports: DoctorPorts,
): Promise<{readonly report: DoctorReport; readonly failure: InjectError | undefined}> {
  const {registry, repository, writes} = options
  const probe = ports.openProbe(writes)
  const facts = {
    minChunk: 0,
    takesPut: false,
    takesRanges: false,
    made: {blobs: new Set<Digest>(), manifests: new Set<Digest>()},
  }
  const {now, sleep, who, mark} = ports
  const patient: Patient = {
    ...options,
    reference: options.reference,
    probe,
    mark: mark(),
    now,
    sleep,
    who,
    facts,
  }
  const found = new Map<Check, Finding>()
  const examine = async (check: Check, signal: AbortSignal, limit?: number): Promise<void> => {
    const missing = check.needs?.find((name) => !isGood(name, found))
    found.set(
      check,
      missing === undefined
        ? await runCheck(check, patient, signal, limit)
        : skipped(`no use without ${missing}`),
    )
  }
  try {
    for (const check of reach) await examine(check, ports.signal)
    if (repository !== '') for (const check of reading) await examine(check, ports.signal)
    if (writes) for (const check of writing) await examine(check, ports.signal)
  } finally {
    // runs even after an abort
    if (isAnythingMade(patient)) {
      await examine(cleanup, new AbortController().signal, lastPatience)
    }
    probe.close()
  }
  const failure = [...found.values()].find(({outcome}) => outcome === 'fail')?.failure
  return {
    failure,
    report: {
      registry,
      repository: repository === '' ? null : repository,
      url: probe.registry.href,
      writes,
      works: failure === undefined,
      checks: [...found].map(([{name, asks}, finding]) => ({
        name,
        asks,
        outcome: finding.outcome,
        finding: finding.finding,
        consequence: finding.consequence ?? null,
        code: finding.failure?.code ?? null,
      })),
    },
  }
}

function isGood(name: string, found: ReadonlyMap<Check, Finding>): boolean {
  const outcome = [...found].find(([check]) => check.name === name)?.[1].outcome
  return outcome === 'ok' || outcome === 'note'
}

function isAnythingMade({facts: {made}}: Patient): boolean {
  return made.blobs.size + made.manifests.size > 0
}
