import {InjectError} from '../errors.js'

/** One line: what failed, on what, why, what to do next. Line breaks and control characters, which may be hostile, are escaped. */
export function errorLine(error: unknown): string {
  const {message, hint, expected, found} = describe(error)
  const isDifference = expected !== undefined && found !== undefined
  const difference = isDifference ? ` (expected ${expected}, found ${found})` : ''
  return oneLine(`${message}${difference}${hint === undefined ? '' : `: ${hint}`}`)
}

type Description = Pick<InjectError, 'message' | 'code' | 'hint' | 'expected' | 'found'>

function describe(error: unknown): Description {
  if (error instanceof InjectError) return error
  const message = error instanceof Error ? error.message : String(error)
  const none = {expected: undefined, found: undefined}
  if (isUsageError(error))
    return {
      ...none,
      code: 'ERR_INJECT_USAGE',
      message: usageMessage(message),
      hint: '--help shows how it is used',
    }
  if (error instanceof Error && error.name === 'AbortError')
    return {...none, code: 'ERR_INJECT_INTERRUPTED', message, hint: undefined}
  return {
    ...none,
    code: 'ERR_INJECT_INTERNAL',
    message: `internal error: ${message}`,
    hint: "this is a mistake of inject's; --debug shows where",
  }
}

/** What oclif's parser throws. */
function isUsageError(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'oclif' in error
}

/** oclif's text over several lines, with advice of its own, as one clause. */
function usageMessage(text: string): string {
  const [message = ''] = text.split(/\n\n|\nSee more help/)
  const [first = '', ...details] = message
    .split('\n')
    .map((line) => line.trim().replaceAll(/\s+/g, ' '))
  const said = first.charAt(0).toLowerCase() + first.slice(1)
  return details.length > 0 ? `${said} ${details.join('; ')}` : said
}

/** The error and its causes with their stacks, for `--debug`. */
export function errorTrace(error: unknown): string {
  const lines: string[] = []
  for (
    let current = error;
    current !== undefined && lines.length < 8;
    current = current instanceof Error ? current.cause : undefined
  ) {
    lines.push(
      current instanceof Error ? (current.stack ?? current.message) : JSON.stringify(current),
    )
  }
  return lines.join('\ncaused by: ')
}

/** What `--json` prints for a failure. */
export function errorDocument(error: unknown, exit: number) {
  const {code, message, expected, found, hint} = describe(error)
  return {schemaVersion: 1, error: {code, message, expected, found, hint, exitCode: exit}}
}

function oneLine(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.charCodeAt(0).toString(16)}}`,
  )
}
