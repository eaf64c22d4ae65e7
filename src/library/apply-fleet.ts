import {tmpdir} from 'node:os'
import {readFleetFile} from '../cli/ports/fleet-file.js'
import type {FleetReport, ImageOutcome} from '../fleet/report/outcome.js'
import {parseShard} from '../fleet/shard.js'
import {sourceDateEpoch} from '../oci/time.js'
import {applyFleet as applyAll} from '../operations/fleet/apply.js'
import {type LibraryOptions, libraryPorts} from './library-options.js'

/** What may be asked of `applyFleet` and `planFleet`. */
export interface ApplyFleetSettings {
  /** Remove slots of this fleet that its file no longer has. Default: `false`. */
  readonly prune?: boolean | undefined
  /** `I/N`: one of N parts of the fleet, counted from 1. */
  readonly shard?: string | undefined
  /** Images that are worked on at once. Default: 16. */
  readonly jobs?: number | undefined
  /** No image is begun after so many failures. Default: all are. */
  readonly maxFailures?: number | undefined
  /** Called with each image when it is done. */
  readonly onOutcome?: ((outcome: ImageOutcome) => void) | undefined
}

/** Works on the images of a fleet file; nothing is remembered for a later process. */
export async function runFleet(
  file: string,
  settings: ApplyFleetSettings & LibraryOptions,
  dryRun: boolean,
): Promise<FleetReport> {
  const {prune = false, shard, jobs = 16, maxFailures, onOutcome} = settings
  const read = await readFleetFile(file, process.env)
  const created = sourceDateEpoch(process.env['SOURCE_DATE_EPOCH'])
  const asked = {
    prune,
    jobs,
    maxFailures,
    shard: shard === undefined ? undefined : parseShard(shard),
  }
  return applyAll(
    {...read, ...asked, created, dryRun},
    {
      ...libraryPorts(settings),
      progress: {
        expected: () => undefined,
        started: () => undefined,
        bytes: () => undefined,
        finished: (outcome) => onOutcome?.(outcome),
      },
      journal: undefined,
      temporary: tmpdir(),
      now: () => Date.now(),
    },
  )
}
