import {Flags, type Interfaces} from '@oclif/core'
import {UsageError} from '../../errors.js'
import {type ConfigEdits, refuseReserved, withoutOldCommand} from '../../image/config-edits.js'
import {parseJsonValue} from '../../oci/json-value.js'
import {quoted} from '../../oci/quoted.js'

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

/** What else an image is to say once something is injected; `inject remove` takes it out again. */
export const editFlags = {
  env: pairs('Set an environment variable; repeatable.'),
  label: pairs('Set a label; repeatable.'),
  annotation: pairs('Set an annotation of the manifest (OCI images); repeatable.'),
  entrypoint: words(
    'Set the entrypoint, as a JSON list or one word; clears the command unless --cmd sets it.',
  ),
  cmd: words('Set the command, as a JSON list or one word.'),
  workdir: Flags.string({
    helpGroup: 'CONFIG',
    helpValue: 'PATH',
    summary: 'Set the working directory.',
  }),
  user: Flags.string({
    helpGroup: 'CONFIG',
    helpValue: 'USER[:GROUP]',
    summary: 'Set the user.',
  }),
}

/** What they say; `undefined` when nothing. */
export function editsOf(
  flags: Interfaces.InferredFlags<typeof editFlags>,
): ConfigEdits | undefined {
  const {env, label, annotation, entrypoint, cmd, workdir, user} = flags
  const edits = withoutOldCommand({
    ...(env && {env: Object.fromEntries(env)}),
    ...(label && {labels: Object.fromEntries(label)}),
    ...(annotation && {annotations: Object.fromEntries(annotation)}),
    ...(entrypoint && {entrypoint}),
    ...(cmd !== undefined && {cmd}),
    ...(workdir !== undefined && {workdir}),
    ...(user !== undefined && {user}),
  })
  refuseReserved(edits)
  return Object.keys(edits).length === 0 ? undefined : edits
}

function parsePair(text: string): readonly [string, string] {
  const [, name, value] = /^([^=\0]+)=([^\0]*)$/s.exec(text) ?? []
  if (name !== undefined && value !== undefined) return [name, value]
  throw new UsageError('ERR_INJECT_PAIR_INVALID', `not a name with a value: ${quoted(text)}`, {
    hint: 'write NAME=VALUE',
  })
}

function parseWords(text: string): readonly string[] {
  if (!text.startsWith('[')) return [text]
  const value = parseJsonValue(text)
  if (Array.isArray(value) && value.every((word) => typeof word === 'string')) return value
  throw new UsageError('ERR_INJECT_COMMAND_INVALID', `not a list of words: ${quoted(text)}`, {
    hint: 'write a JSON list, as in ["/bin/app","--flag"], or one word',
  })
}
