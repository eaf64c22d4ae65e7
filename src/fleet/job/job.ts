import {UsageError} from '../../errors.js'
import {referenceIn} from '../../oci/names/reference.js'
import {quoted} from '../../oci/quoted.js'

export const jobEngines = ['kubernetes', 'gitlab', 'github'] as const
export type JobEngine = (typeof jobEngines)[number]

/** A fleet to be run in shards by an engine. */
export interface FleetJob {
  /** The fleet's name. */
  readonly fleet: string
  /** The fleet file, as the engine's jobs find it. */
  readonly file: string
  readonly shards: number
  /** An image with `inject` and a shell; `undefined`: the engine's machines have `inject`. */
  readonly image: string | undefined
  /** The name of the engine's secret with a credentials file; `undefined`: none is needed. */
  readonly secret: string | undefined
  /** Of Kubernetes: the volume claim with the fleet file and its directories. */
  readonly claim: string
}

/** What engines allow: jobs of one GitLab `parallel:`, jobs of one GitHub matrix, our own limit. */
const mostShards: Readonly<Record<JobEngine, number>> = {gitlab: 200, github: 256, kubernetes: 1000}

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names */
const kubernetesName =
  /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/
const variableName = /^[A-Za-z_][A-Za-z0-9_]{0,254}$/

/**
 * Throws `UsageError` (`ERR_INJECT_FLEET_JOB_INVALID`) for what an engine would refuse, or what a
 * shell or the engine would read as something else.
 */
export function checkJob(job: FleetJob, engine: JobEngine): void {
  const {file, shards, image, secret, claim} = job
  const most = mostShards[engine]
  if (shards > most) throw invalid(`${engine} runs at most ${most} shards`, 'use fewer --shards')
  if (!/^[A-Za-z0-9_@+=:,./-]{1,1000}$/.test(file) || file.startsWith('-'))
    throw invalid(
      `the job cannot name ${quoted(file)}`,
      'use a path of letters, digits and ._-+@=:,/ only',
    )
  if (/^\/|(?:^|\/)\.\.(?:\/|$)/.test(file))
    throw invalid(
      `${quoted(file)} is not a path within the job's folder`,
      'run this where the job will run, with a relative path',
    )
  if (image !== undefined && referenceIn(image)?.kind !== 'registry')
    throw invalid(
      `--image ${quoted(image)} is not an image`,
      'write registry.example/tools/inject:TAG',
    )
  if (image === undefined && engine === 'kubernetes')
    throw invalid('a Kubernetes job needs an image with inject', 'use --image')
  const isName = engine === 'kubernetes' ? kubernetesName : variableName
  if (secret !== undefined && !isName.test(secret))
    throw invalid(`--secret ${quoted(secret)} is not the name of a secret`, 'write its name only')
  if (engine === 'kubernetes' && !kubernetesName.test(claim))
    throw invalid(
      `--claim ${quoted(claim)} is not the name of a volume claim`,
      'write its name only',
    )
}

/** The fleet's name as a part of other names: lower case letters, digits and dashes. */
export function jobName(fleet: string): string {
  const plain = fleet
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replaceAll(/^-+|-+$/g, '')
  return plain === '' ? 'fleet' : `fleet-${plain}`
}

/** The command of one shard; `index` is how the engine's shell gets at its number, from 1. */
export function shardCommand({file, shards}: FleetJob, index: string): string {
  return `inject apply -f ${file} --shard "${index}/${shards}" --report "reports/shard-${index}.json"`
}

function invalid(message: string, hint: string): UsageError {
  return new UsageError('ERR_INJECT_FLEET_JOB_INVALID', message, {hint})
}
