import {localIoError} from '../../disk/local-io-error.js'
import {readFileOrPipe} from '../../disk/read-file-or-pipe.js'
import {decodeFleet} from '../../fleet/file/decode-fleet.js'
import type {Environment} from '../../fleet/file/environment.js'
import {longestFile} from '../../fleet/file/read-yaml.js'
import type {FleetJob, JobEngine} from '../../fleet/job/job.js'
import {printJob} from '../../fleet/job/print.js'

/** What an engine is given to run a fleet in shards. */
export interface FleetJobResult {
  readonly fleet: string
  readonly engine: JobEngine
  readonly shards: number
  /** The file, as YAML. */
  readonly job: string
}

/**
 * The file that makes an engine run a fleet. Throws what reading the fleet file throws, and
 * `UsageError` (`ERR_INJECT_FLEET_JOB_INVALID`).
 */
export async function fleetJob(
  engine: JobEngine,
  options: Omit<FleetJob, 'fleet'>,
  env: Environment,
): Promise<FleetJobResult> {
  const {file, shards} = options
  const bytes = await readFileOrPipe(file, longestFile).catch((error: unknown) => {
    throw localIoError(error, 'read', file)
  })
  const {name: fleet} = decodeFleet({name: file, text: bytes.toString(), env})
  return {fleet, engine, shards, job: printJob({...options, fleet}, engine)}
}
