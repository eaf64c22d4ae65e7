import {Flags, type Interfaces} from '@oclif/core'
import {UsageError} from '../../errors.js'
import {longestNote} from '../../image/follow/run-note.js'
import {defaultTemplate} from '../../operations/publish/keep-replaced.js'
import type {PublishRequest} from '../../operations/publish/publish-request.js'
import {differsExitCode} from '../terminal/exit-code.js'

/** Which earlier images of a tag stay reachable by tags of their own. */
export const keepFlags = {
  keep: Flags.integer({
    min: 1,
    max: 1000,
    helpGroup: 'RESULT',
    helpValue: 'N',
    summary: 'Keep the last N images that the tag named, each under a tag of its own.',
  }),
  'keep-as': Flags.string({
    dependsOn: ['keep'],
    helpGroup: 'RESULT',
    helpValue: 'TEMPLATE',
    summary: `Pattern of those tags (default: ${defaultTemplate}).`,
  }),
}

/** The flags of the commands that change an image: what stays of its history. */
export const runFlags = {
  ...keepFlags,
  'created-by': Flags.custom({
    helpGroup: 'RESULT',
    helpValue: 'TEXT',
    summary: 'Note of this run, such as the URL of a CI job, for inject history.',
    parse: (text) => Promise.resolve(parseNote(text)),
  })(),
}

/** For commands with a dry run. */
export const checkFlag = {
  check: Flags.boolean({
    helpGroup: 'RESULT',
    summary: `Change nothing, and exit with ${differsExitCode} if something would change.`,
  }),
}

/** The flags as options of the operations. */
export function runRequest(
  flags: Interfaces.InferredFlags<typeof runFlags>,
): Pick<PublishRequest, 'keep' | 'note'> {
  return {note: flags['created-by'], keep: keepRequest(flags)}
}

/** Which earlier images are kept; `undefined`: none. */
export function keepRequest(
  flags: Interfaces.InferredFlags<typeof keepFlags>,
): PublishRequest['keep'] {
  const {keep: count, 'keep-as': template = defaultTemplate} = flags
  return count === undefined ? undefined : {count, template}
}

/** Sets the exit code of a check, after the result is known. */
export function exitIfChanged<Result extends {readonly tags: readonly string[]}>(
  isCheck: boolean,
  result: Result,
): Result {
  if (isCheck && result.tags.length > 0) process.exitCode = differsExitCode
  return result
}

function parseNote(text: string): string {
  if (text.length <= longestNote && !/\p{Cc}/u.test(text)) return text
  throw new UsageError('ERR_INJECT_NOTE_INVALID', 'not a note of a run', {
    hint: `write one line of at most ${longestNote} characters`,
  })
}
