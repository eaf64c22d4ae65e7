import {Args, Flags, type Interfaces} from '@oclif/core'
import {UsageError} from '../../errors.js'
import {parseSlotName, defaultSlotName} from '../../oci/annotation.js'
import {parseReference, parseTag, type Reference} from '../../oci/names/reference.js'
import {parseSlotPath} from '../../image/slot-path.js'
import {parseTime, sourceDateEpoch} from '../../oci/time.js'
import type {ImageRequest} from '../../operations/find/image-request.js'
import {conflictPolicies, type ConflictPolicy} from '../../operations/publish/on-conflict.js'
import type {PublishRequest, TargetRequest} from '../../operations/publish/publish-request.js'
import {largestZstdWindow} from '../../layer/limits.js'
import {ciFlags} from './ci.js'
import {networkFlags} from './network.js'
import {platformChoice, platformsFlag} from './platform.js'
import {runFlags, runRequest} from './run.js'
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
  json: Flags.boolean({
    helpGroup: 'GLOBAL',
    summary: 'Print the result, or the error, as a JSON document.',
  }),
  progress: Flags.option({options: progressModes})({
    default: 'auto' as ProgressMode,
    env: 'INJECT_PROGRESS',
    helpGroup: 'GLOBAL',
    helpValue: 'MODE',
    summary: 'Show progress on stderr as auto, tty, plain, json or none.',
  }),
  quiet: Flags.boolean({char: 'q', helpGroup: 'GLOBAL', summary: 'Print errors only.'}),
  debug: Flags.boolean({helpGroup: 'GLOBAL', summary: 'Print stack traces.'}),
  'no-project-file': Flags.boolean({
    helpGroup: 'GLOBAL',
    summary: 'Ignore the project file, inject.yaml (also INJECT_PROJECT_FILE=none).',
  }),
  ...ciFlags,
}

/** Every command that reads or writes a registry has these. */
export const registryFlags = {
  username: Flags.string({
    helpGroup: 'REGISTRY',
    helpValue: 'NAME',
    summary: 'User name, with --password-stdin (or set INJECT_USERNAME and INJECT_PASSWORD).',
  }),
  'password-stdin': Flags.boolean({
    helpGroup: 'REGISTRY',
    summary: 'Read the password from standard input.',
  }),
  authfile: Flags.string({
    helpGroup: 'REGISTRY',
    helpValue: 'FILE',
    summary: 'Read credentials from FILE only (also REGISTRY_AUTH_FILE).',
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
  summary: 'Where the content goes in the image (default: where the slot is, or / if new).',
  parse: (text) => Promise.resolve(parseSlotPath(text)),
})

/** Every command that reads images has it. */
export const strictFlag = {
  strict: Flags.boolean({
    helpGroup: 'GLOBAL',
    summary: 'Fail with exit code 6 if what is read deviates from its specification.',
  }),
}

/** A number of bytes. */
export const sizeFlag = Flags.custom<number>({
  helpValue: 'SIZE',
  parse: (text) => Promise.resolve(parseSize(text)),
})

export const maxSize = Flags.custom<number>({
  helpGroup: 'LIMITS',
  helpValue: 'SIZE',
  summary: 'Largest unpacked size, such as 20G (default: 1,000 times the layer, over 64 MiB).',
  parse: (text) => Promise.resolve(parseSize(text)),
})

/** Bytes, from what needs no flag up to what we read at most. */
export const zstdWindow = Flags.custom<number>({
  helpGroup: 'LIMITS',
  helpValue: 'SIZE',
  summary: 'Largest window of a zstd layer, up to 128M (default: 8M).',
  parse: (text) => {
    const size = parseSize(text)
    if (size <= largestZstdWindow) return Promise.resolve(size)
    throw new UsageError('ERR_INJECT_SIZE_INVALID', 'a zstd window must not exceed 128M')
  },
})

/** An image's reference. */
export const referenceFlag = Flags.custom<Reference>({
  helpValue: 'REFERENCE',
  parse: (text) => Promise.resolve(parseReference(text)),
})

/** Tags for a result. */
export const tagsFlag = Flags.custom({
  char: 't',
  multiple: true,
  multipleNonGreedy: true,
  helpValue: 'TAG',
  summary: 'Tag for the result; repeatable (default: the tag in IMAGE or --to).',
  parse: (text) => Promise.resolve(parseTag(text)),
})

/** How a result is made public, and where else it goes. */
const publicationFlags = {
  'dry-run': Flags.boolean({summary: 'Show what would be done, and change nothing.'}),
  attestations: Flags.option({options: ['drop', 'keep'] as const})({
    default: 'drop' as const,
    helpGroup: 'RESULT',
    helpValue: 'drop|keep',
    summary: 'Drop or keep the build attestations of the changed images of an index.',
  }),
  to: referenceFlag({
    helpGroup: 'RESULT',
    summary: 'Write the whole result to another repository, oci:DIR or an archive.',
  }),
  'on-conflict': Flags.option({options: conflictPolicies})({
    default: 'fail' as ConflictPolicy,
    helpGroup: 'RESULT',
    helpValue: 'fail|retry',
    summary:
      'If the tag in IMAGE moves meanwhile: fail with exit code 7, or retry from the new image.',
  }),
  'no-clobber': Flags.boolean({
    helpGroup: 'RESULT',
    summary: 'Fail with exit code 7 instead of overwriting a tag.',
  }),
  ...runFlags,
  digestfile: Flags.string({
    helpGroup: 'RESULT',
    helpValue: 'FILE',
    summary: "Write the result's digest to a file.",
  }),
}

/** The flags of the commands that make a tag name another image. */
export const resultFlags = {tag: tagsFlag(), ...publicationFlags}

/** The same, for commands that change the chosen images of an index. */
export const tagFlags = {tag: tagsFlag(), platform: platformsFlag(), ...publicationFlags}

/** What an image says of the one that it was made from. */
export const baseAnnotationsFlag = {
  'base-annotations': Flags.boolean({
    helpGroup: 'CONFIG',
    summary:
      'Also set org.opencontainers.image.base.name and .digest to the image it was made from.',
  }),
}

/** The flags of the commands that put something into an image. */
export const publishFlags = {
  ...tagFlags,
  ...baseAnnotationsFlag,
  created: Flags.custom<number>({
    helpGroup: 'LAYER',
    helpValue: 'TIME',
    summary: 'Creation time, and the latest file time: RFC 3339 or "now" (also SOURCE_DATE_EPOCH).',
    parse: (text) => Promise.resolve(parseCreated(text)),
    default: () => Promise.resolve(sourceDateEpoch(process.env['SOURCE_DATE_EPOCH']) as number),
    noCacheDefault: true,
  })(),
}

type TagFlags = Interfaces.InferredFlags<typeof tagFlags>

/** Which slot of which images is meant. Throws `UsageError`. */
export function imageRequest(
  image: string,
  {name, platform, adopt}: Pick<TagFlags, 'platform'> & Pick<ImageRequest, 'name' | 'adopt'>,
): ImageRequest {
  return {reference: parseReference(image), name, platforms: platformChoice(platform), adopt}
}

/** What they say, as the operations know it. */
export function resultRequest(
  flags: Interfaces.InferredFlags<typeof resultFlags> & {readonly check?: boolean},
): {
  target: TargetRequest
  publish: PublishRequest
} {
  return {
    target: {to: flags.to, tags: flags.tag ?? []},
    publish: {
      ...runRequest(flags),
      dryRun: flags['dry-run'] || flags.check === true,
      onConflict: flags['on-conflict'],
      noClobber: flags['no-clobber'],
      attestations: flags.attestations,
    },
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
