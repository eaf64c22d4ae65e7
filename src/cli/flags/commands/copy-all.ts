import {Flags, type Interfaces} from '@oclif/core'
import {UsageError} from '../../../errors.js'
import {parseRegistryPrefix} from '../../../oci/names/registry-prefix.js'
import type {CopyAllOptions} from '../../../operations/copy-all/request.js'
import {platformChoice} from '../platform.js'
import {reportFlag} from './report.js'

const usualJobs = 4

const pattern = Flags.custom({
  multiple: true,
  multipleNonGreedy: true,
  helpGroup: 'COPY ALL',
  helpValue: 'REPOSITORY[:TAG]',
})

/** The flags of `copy --all`. */
export const copyAllFlags = {
  all: Flags.boolean({
    helpGroup: 'COPY ALL',
    summary: 'Copy every repository and tag of the registry SOURCE to the registry TARGET.',
  }),
  include: pattern({
    summary: 'Copy only what matches, with * within a part of a name and ** for more; repeatable.',
  }),
  exclude: pattern({summary: 'Leave out what matches; repeatable.'}),
  jobs: Flags.integer({
    char: 'j',
    min: 1,
    max: 64,
    helpGroup: 'COPY ALL',
    helpValue: 'N',
    summary: `Images to copy at once (default: ${usualJobs}).`,
  }),
  report: reportFlag({helpGroup: 'COPY ALL'}),
}

type AllFlags = Interfaces.InferredFlags<typeof copyAllFlags>

/** The flags of `copy` that count with `--all`, too. */
interface CopyFlags {
  readonly platform?: Parameters<typeof platformChoice>[0]
  readonly tag?: string[] | undefined
  readonly 'all-tags': boolean
  readonly digestfile?: string | undefined
  readonly referrers: boolean
  readonly 'no-clobber': boolean
  readonly 'dry-run': boolean
  readonly 'chunk-size'?: number | undefined
}

/** Throws `UsageError` for flags of `--all` without it. */
export function refuseWithoutAll(flags: AllFlags): void {
  for (const name of ['include', 'exclude', 'jobs', 'report'] as const)
    if (flags[name] !== undefined) throw usage(`--${name} needs --all`)
}

/** The arguments and flags as the request of the operation. Throws `UsageError`. */
export function copyAllRequest(
  source: string,
  target: string,
  flags: AllFlags & CopyFlags,
): CopyAllOptions {
  for (const name of ['tag', 'all-tags', 'digestfile'] as const)
    if (flags[name]) throw usage(`--all excludes --${name}`)
  const {include = [], exclude = [], jobs = usualJobs} = flags
  return {
    from: parseRegistryPrefix(source, 'SOURCE'),
    to: parseRegistryPrefix(target, 'TARGET'),
    ...{include, exclude, jobs},
    platforms: platformChoice(flags.platform),
    referrers: flags.referrers,
    noClobber: flags['no-clobber'],
    dryRun: flags['dry-run'],
    chunkSize: flags['chunk-size'],
  }
}

function usage(message: string): UsageError {
  return new UsageError('ERR_INJECT_USAGE', message, {hint: 'see --help'})
}
