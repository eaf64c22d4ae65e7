import {Args, Flags} from '@oclif/core'
import {UsageError} from '../../errors.js'
import {quoted} from '../../oci/quoted.js'

/** What the store commands work on. */
export const rootArg = Args.string({
  ignoreStdin: true, // oclif would take a piped text for it
  required: true,
  description: 'Folder that inject serve serves.',
})

/** A time span in milliseconds. */
export const duration = Flags.custom<number>({
  helpValue: 'DURATION',
  parse: (text) => Promise.resolve(parseDuration(text)),
})

/** Whether a tag is meant, by a pattern in which `*` stands for any characters. */
export const tagPattern = Flags.custom<(tag: string) => boolean>({
  helpValue: 'PATTERN',
  parse: (text) => Promise.resolve(parseTagPattern(text)),
})

/** The flags of the commands that remove. */
export const removalFlags = {
  grace: duration({
    summary:
      'Keep content that was pushed or read within this time (default: 1h; 0s: no server is running).',
  }),
  'dry-run': Flags.boolean({default: false, summary: 'Show what would be removed.'}),
}

const units = {ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000}

/** Milliseconds. Throws `UsageError` (`ERR_INJECT_DURATION_INVALID`). */
export function parseDuration(text: string): number {
  // zero needs no unit
  if (text === '0') return 0
  const [, number, unit] = /^(\d{1,6})(ms|[smhdw])$/.exec(text) ?? []
  if (number !== undefined) return Number(number) * units[unit as keyof typeof units]
  throw new UsageError('ERR_INJECT_DURATION_INVALID', `not a duration: ${quoted(text)}`, {
    hint: 'write a whole number with ms, s, m, h, d or w, as in 30d',
  })
}

function parseTagPattern(text: string): (tag: string) => boolean {
  if (!/^[\w.*-]{1,128}$/.test(text)) {
    throw new UsageError('ERR_INJECT_TAG_PATTERN_INVALID', `not a pattern: ${quoted(text)}`, {
      hint: 'write a tag, with * for any characters, as in v1.*',
    })
  }
  const [first = '', ...rest] = text.split('*')
  const last = rest.pop()
  if (last === undefined) return (tag) => tag === text
  // the leftmost place for every part leaves the most room for the next: no backtracking
  return (tag) => {
    if (!tag.startsWith(first)) return false
    let end = first.length
    for (const part of rest) {
      const at = tag.indexOf(part, end)
      if (at < 0) return false
      end = at + part.length
    }
    return tag.length - last.length >= end && tag.endsWith(last)
  }
}
