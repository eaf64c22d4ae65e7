import {Args, Flags, type Interfaces} from '@oclif/core'
import {UsageError} from '../../errors.js'
import {parseSlotName, defaultSlotName} from '../../oci/annotation.js'
import {parseReference, parseTag, type Reference} from '../../oci/reference.js'
import {sourceDateEpoch} from '../../oci/source-date-epoch.js'
import {parseSlotPath} from '../../image/slot-path.js'
import {parseTime} from '../../oci/time.js'
import {conflictPolicies, type ConflictPolicy} from '../../operations/publish/on-conflict.js'
import {largestZstdWindow} from '../../layer/limits.js'
import {networkFlags} from './network.js'
import {platformChoice, platformsFlag} from './platform.js'
import {progressModes, type ProgressMode} from '../terminal/progress.js'

/** What every command works on. */
export const imageArg = Args.string({
  ignoreStdin: true, // oclif would take a piped text for it
  required: true,
  description:
    'REGISTRY/REPOSITORY[:TAG][@DIGEST], oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:NAME:TAG] or fast:DIR.',
})

/** Every command has these. */
export const commonFlags = {
  progress: Flags.option({options: progressModes})({
    default: 'auto' as ProgressMode,
    env: 'INJECT_PROGRESS',
    helpGroup: 'GLOBAL',
    helpValue: 'MODE',
    summary: 'How progress is shown on stderr: auto, tty, plain, json or none.',
  }),
  quiet: Flags.boolean({char: 'q', helpGroup: 'GLOBAL', summary: 'Nothing on stderr but errors.'}),
  debug: Flags.boolean({helpGroup: 'GLOBAL', summary: 'Show where an error came from.'}),
}

/** Every command that reads or writes a registry has these. */
export const registryFlags = {
  username: Flags.string({
    helpGroup: 'REGISTRY',
    helpValue: 'NAME',
    summary:
      'User name; the password comes from --password-stdin, or both from INJECT_USERNAME and INJECT_PASSWORD.',
  }),
  'password-stdin': Flags.boolean({
    helpGroup: 'REGISTRY',
    summary: 'Read the password from standard input.',
  }),
  authfile: Flags.string({
    helpGroup: 'REGISTRY',
    helpValue: 'FILE',
    summary: 'Credentials file instead of those of podman and docker (also REGISTRY_AUTH_FILE).',
  }),
  ...networkFlags,
}

export const slotName = Flags.custom({
  helpValue: 'NAME',
  summary: `Name of the slot (default: the only one that the image has, else ${defaultSlotName}).`,
  parse: (text) => Promise.resolve(parseSlotName(text)),
})

export const slotPath = Flags.custom({
  helpValue: 'PATH',
  summary: 'Where in the image the directory belongs (default: where the slot says, else /).',
  parse: (text) => Promise.resolve(parseSlotPath(text)),
})

/** Every command that reads images has it. */
export const strictFlag = {
  strict: Flags.boolean({
    summary: 'Fail with 6 where something is read that is not as its specification has it.',
  }),
}

/** A number of bytes. */
export const sizeFlag = Flags.custom<number>({
  helpValue: 'SIZE',
  parse: (text) => Promise.resolve(parseSize(text)),
})

export const maxSize = Flags.custom<number>({
  helpValue: 'SIZE',
  summary:
    'Bytes that the layer may unpack to, as in 20G (default: 1,000 times its size, beyond 64 MiB).',
  parse: (text) => Promise.resolve(parseSize(text)),
})

/** Bytes, from what needs no flag up to what we read at most. */
export const zstdWindow = Flags.custom<number>({
  helpValue: 'SIZE',
  summary: 'Memory that a layer in zstd may ask for, up to 128M (default: 8M).',
  parse: (text) => {
    const size = parseSize(text)
    if (size <= largestZstdWindow) return Promise.resolve(size)
    throw new UsageError('ERR_INJECT_SIZE_INVALID', 'a zstd window must not exceed 128M')
  },
})

/** The flags of the commands that make a tag name another image. */
export const tagFlags = {
  platform: platformsFlag(),
  attestations: Flags.option({options: ['drop', 'keep'] as const})({
    default: 'drop' as const,
    helpValue: 'drop|keep',
    summary: 'What becomes of the build attestations of an image of an index that is changed.',
  }),
  tag: Flags.string({
    char: 't',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'TAG',
    summary:
      'Tag of the result, in the same repository or that of --to; repeatable (default: the tag in IMAGE or --to).',
    parse: (text) => Promise.resolve(parseTag(text)),
  }),
  to: Flags.custom<Reference>({
    helpValue: 'REFERENCE',
    summary:
      'Put the result elsewhere, with all its layers: another repository or registry, oci:DIR, or an archive.',
    parse: (text) => Promise.resolve(parseReference(text)),
  })(),
  'dry-run': Flags.boolean({summary: 'Say what would be done, and do none of it.'}),
  'on-conflict': Flags.option({options: conflictPolicies})({
    default: 'fail' as ConflictPolicy,
    helpValue: 'fail|retry',
    summary:
      'When somebody else moves the tag in IMAGE meanwhile: fail with 7, or start again from his image.',
  }),
  'no-clobber': Flags.boolean({
    summary: 'Overwrite no tag: fail with 7 when it exists and is another image.',
  }),
  digestfile: Flags.string({helpValue: 'FILE', summary: "Write the result's digest to a file."}),
}

/** The flags of the commands that put something into an image. */
export const publishFlags = {
  ...tagFlags,
  created: Flags.custom<number>({
    helpValue: 'TIME',
    summary:
      'Time of the slot and latest time in its layer: RFC 3339 or "now" (also SOURCE_DATE_EPOCH).',
    parse: (text) => Promise.resolve(parseCreated(text)),
    default: () => Promise.resolve(sourceDateEpoch(process.env['SOURCE_DATE_EPOCH']) as number),
    noCacheDefault: true,
  })(),
}

/** What they say, as the operations know it. */
export function tagOptions(flags: Interfaces.InferredFlags<typeof tagFlags>) {
  return {
    tags: flags.tag ?? [],
    to: flags.to,
    platforms: platformChoice(flags.platform),
    attestations: flags.attestations,
    dryRun: flags['dry-run'],
    onConflict: flags['on-conflict'],
    noClobber: flags['no-clobber'],
  }
}

function parseCreated(text: string): number {
  const seconds = text === 'now' ? Math.floor(Date.now() / 1000) : parseTime(text)
  if (seconds !== undefined) return seconds
  throw new UsageError('ERR_INJECT_TIME_INVALID', `not a time: ${JSON.stringify(text)}`, {
    hint: 'write it as 2026-01-31T12:00:00Z, or "now"',
  })
}

/** A number of bytes with a decimal unit (`20G`) or a binary one (`20GiB`). */
export function parseSize(text: string): number {
  const [, number, unit = '', binary] =
    /^(\d{1,15}(?:\.\d{1,3})?)(?:([kKMGT])(i)?)?B?$/.exec(text) ?? []
  const power = ' KMGT'.indexOf(unit.toUpperCase() || ' ')
  if (number !== undefined) return Math.floor(Number(number) * (binary ? 1024 : 1000) ** power)
  throw new UsageError('ERR_INJECT_SIZE_INVALID', `not a size: ${JSON.stringify(text)}`, {
    hint: 'write a number of bytes, or 500M, or 20GiB',
  })
}

/** `UID:GID`. */
export function parseOwner(text: string): {uid: number; gid: number} {
  const [, uid, gid] = /^(\d{1,10}):(\d{1,10})$/.exec(text) ?? []
  // the largest value means "leave as it is" to chown
  if (
    uid !== undefined &&
    gid !== undefined &&
    Number(uid) < 2 ** 32 - 1 &&
    Number(gid) < 2 ** 32 - 1
  )
    return {uid: Number(uid), gid: Number(gid)}
  throw new UsageError('ERR_INJECT_OWNER_INVALID', `not an owner: ${JSON.stringify(text)}`, {
    hint: 'write two numbers, as in 0:0',
  })
}
