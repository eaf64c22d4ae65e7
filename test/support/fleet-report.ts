import {type FleetReport, fleetReport, type ImageOutcome} from '../../src/fleet/report/outcome.js'
import {digestOf} from '../../src/oci/digest.js'

/** An outcome for a test: unchanged, unless `more` says otherwise. */
export function makeOutcome(
  reference: string,
  more: Partial<Omit<ImageOutcome, 'reference'>> = {},
): ImageOutcome {
  const digest = digestOf(Buffer.from(reference))
  return {
    reference,
    target: reference,
    status: 'unchanged',
    before: digest,
    after: digest,
    bytesSent: 0,
    bytesMounted: 0,
    requests: 2,
    seconds: 0.5,
    reason: null,
    code: null,
    nextStep: null,
    ...more,
  }
}

/** One that failed. */
export function makeFailure(reference: string, reason = 'it is gone'): ImageOutcome {
  const nextStep = 'check the name'
  const code = 'ERR_INJECT_IMAGE_NOT_FOUND'
  return makeOutcome(reference, {status: 'failed', after: null, reason, code, nextStep})
}

/** A report of a run of 90 seconds over these images. */
export function makeReport(
  outcomes: readonly ImageOutcome[],
  more: Partial<Omit<FleetReport, 'outcomes'>> = {},
): FleetReport {
  return fleetReport({
    fleet: 'certs',
    file: digestOf(Buffer.from('fleet file')),
    dryRun: false,
    shard: null,
    version: '0.1.0',
    started: '2026-01-31T12:00:00.000Z',
    finished: '2026-01-31T12:01:30.000Z',
    costs: {layersPacked: 1, bytesSent: 1000, bytesMounted: 2000, requests: 10},
    ...more,
    outcomes,
  })
}
