import {Flags, type Interfaces} from '@oclif/core'
import {UsageError} from '../../../errors.js'
import {
  type ConfigEdits,
  type Healthcheck,
  refuseReserved,
  withoutOldCommand,
} from '../../../image/config-edits.js'
import {parseJsonValue} from '../../../oci/json-value.js'
import {quoted} from '../../../oci/quoted.js'
import {splitAnnotations} from './annotation.js'
import {parseHealthcheck} from './healthcheck.js'
import {parseName, parsePath, parsePort, parseSignal} from './config-value.js'

const pairs = (summary: string, name = 'K=V') =>
  Flags.custom<readonly [string, string]>({
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: 'CONFIG',
    helpValue: name,
    summary,
    parse: (text) => Promise.resolve(parsePair(text)),
  })()

const words = (summary: string) =>
  Flags.custom<readonly string[]>({
    helpGroup: 'CONFIG',
    helpValue: 'JSON|COMMAND',
    summary,
    parse: (text) => Promise.resolve(parseWords(text)),
  })()

const names = (helpValue: string, summary: string, parse: (text: string) => string) =>
  Flags.custom({
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: 'CONFIG',
    helpValue,
    summary,
    parse: (text) => Promise.resolve(parse(text)),
  })()

/** What else an image is to say once something is injected; `inject remove` takes it out again. */
export const editFlags = {
  env: pairs('Set an environment variable; repeatable.'),
  label: pairs('Set a label; repeatable.'),
  annotation: pairs(
    'Set an annotation of the manifest, or with index:K=V of the index (OCI images); repeatable.',
    '[index:]K=V',
  ),
  entrypoint: words(
    'Set the entrypoint, as a JSON list or one word; clears the command unless --cmd sets it.',
  ),
  cmd: words('Set the command, as a JSON list or one word.'),
  workdir: Flags.custom({
    helpGroup: 'CONFIG',
    helpValue: 'PATH',
    summary: 'Set the working directory.',
    parse: (text) => Promise.resolve(parsePath(text)),
  })(),
  user: Flags.string({
    helpGroup: 'CONFIG',
    helpValue: 'USER[:GROUP]',
    summary: 'Set the user.',
  }),
  'unset-env': names('NAME', 'Remove an environment variable; repeatable.', parseName),
  'unset-label': names('NAME', 'Remove a label; repeatable.', parseName),
  expose: names('PORT[/PROTOCOL]', 'Expose a port; repeatable.', parsePort),
  volume: names('PATH', 'Make a path a volume; repeatable.', parsePath),
  'stop-signal': Flags.custom({
    helpGroup: 'CONFIG',
    helpValue: 'SIGNAL',
    summary: 'Set the signal that stops a container.',
    parse: (text) => Promise.resolve(parseSignal(text)),
  })(),
  healthcheck: Flags.custom<Healthcheck>({
    helpGroup: 'CONFIG',
    helpValue: 'INSTRUCTION',
    summary: 'Set the health check, as after HEALTHCHECK in a Dockerfile, or NONE.',
    parse: (text) => Promise.resolve(parseHealthcheck(text)),
  })(),
}

/** The flags as options of the operations. */
export function editOptions(flags: Interfaces.InferredFlags<typeof editFlags>) {
  return {edits: editsOf(flags), indexAnnotations: indexAnnotationsOf(flags)}
}

/** What they say; `undefined` when nothing. */
function editsOf(flags: Interfaces.InferredFlags<typeof editFlags>): ConfigEdits | undefined {
  const {entrypoint, cmd, workdir, user, expose, volume, healthcheck} = flags
  const {image: annotations} = splitAnnotations(flags.annotation ?? [])
  const env = texts(flags.env, flags['unset-env'])
  const labels = texts(flags.label, flags['unset-label'])
  const stopSignal = flags['stop-signal']
  const edits = withoutOldCommand({
    ...(env && {env}),
    ...(labels && {labels}),
    ...(annotations && {annotations}),
    ...(entrypoint && {entrypoint}),
    ...(cmd !== undefined && {cmd}),
    ...(workdir !== undefined && {workdir}),
    ...(user !== undefined && {user}),
    ...(stopSignal !== undefined && {stopSignal}),
    ...(healthcheck && {healthcheck}),
    ...(expose && {ports: Object.fromEntries(expose.map((port) => [port, '']))}),
    ...(volume && {volumes: Object.fromEntries(volume.map((path) => [path, '']))}),
  })
  refuseReserved(edits)
  return Object.keys(edits).length === 0 ? undefined : edits
}

/** The changes to the index; `undefined`: none. */
function indexAnnotationsOf({
  annotation = [],
}: Pick<Interfaces.InferredFlags<typeof editFlags>, 'annotation'>) {
  const {index: annotations} = splitAnnotations(annotation)
  refuseReserved({annotations})
  return annotations
}

/** What is set and what is taken out; throws `UsageError` for a name that is both. */
function texts(
  set: readonly (readonly [string, string])[] | undefined,
  unset: readonly string[] | undefined,
): Record<string, string | null> | undefined {
  if (!set && !unset) return undefined
  const both = unset?.find((name) => set?.some(([other]) => other === name))
  if (both !== undefined) {
    throw new UsageError(
      'ERR_INJECT_PAIR_INVALID',
      `${quoted(both)} is to be set and to be removed`,
      {
        hint: 'leave out one of the two',
      },
    )
  }
  return Object.fromEntries([...(set ?? []), ...(unset ?? []).map((name) => [name, null] as const)])
}

function parsePair(text: string): readonly [string, string] {
  const [, name, value] = /^([^=\0]+)=([^\0]*)$/s.exec(text) ?? []
  if (name !== undefined && value !== undefined) return [name, value]
  throw new UsageError('ERR_INJECT_PAIR_INVALID', `not a name with a value: ${quoted(text)}`, {
    hint: 'write NAME=VALUE',
  })
}

function parseWords(text: string): readonly string[] {
  if (!text.startsWith('[')) {
    if (!/\s/.test(text)) return [text]
    throw new UsageError('ERR_INJECT_COMMAND_INVALID', `several words: ${quoted(text)}`, {
      hint: 'write a JSON list, as in ["/bin/sh","-c","…"]: no shell takes the words apart',
    })
  }
  const value = parseJsonValue(text)
  if (Array.isArray(value) && value.every((word) => typeof word === 'string')) return value
  throw new UsageError('ERR_INJECT_COMMAND_INVALID', `not a list of words: ${quoted(text)}`, {
    hint: 'write a JSON list, as in ["/bin/app","--flag"], or one word',
  })
}
