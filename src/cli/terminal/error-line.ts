import {InjectError} from '../../errors.js'
import {escapedLine, escapedLines} from '../render/text/escape.js'
import {similarName} from './similar-name.js'

/**
 * One line: what failed, on what, why, what to do next. Line breaks and control characters, which
 * might be hostile, are escaped. `more` is the hint for an error without one.
 */
export function errorLine(error: unknown, more?: string): string {
  const {message, hint = more, expected, found} = describe(error)
  const isSaid = [expected, found].every(
    (value) => value === undefined || message.includes(String(value)),
  )
  const isDifference = expected !== undefined && found !== undefined && !isSaid
  const difference = isDifference ? ` (expected ${expected}, found ${found})` : ''
  return escapedLine(`${message}${difference}${hint === undefined ? '' : `: ${hint}`}`)
}

type Description = Pick<InjectError, 'message' | 'code' | 'hint' | 'expected' | 'found'>

function describe(error: unknown): Description {
  if (error instanceof InjectError) {
    const {code, hint, expected, found} = error
    return {code, hint, expected, found, message: withoutParser(error.message)}
  }
  const message = error instanceof Error ? error.message : String(error)
  const none = {expected: undefined, found: undefined}
  if (isUsageError(error))
    return {
      ...none,
      code: 'ERR_INJECT_USAGE',
      message: usageMessage(error, message),
      hint: isPassword(error) ? passwordHint : usageHint(error),
    }
  if (error instanceof Error && error.name === 'AbortError')
    return {...none, code: 'ERR_INJECT_INTERRUPTED', message, hint: undefined}
  return {
    ...none,
    code: 'ERR_INJECT_INTERNAL',
    message: `internal error: ${message}`,
    hint: 'this is a bug in inject; run again with --debug and report it',
  }
}

/** What oclif's parser throws. */
function isUsageError(error: unknown): error is object {
  return typeof error === 'object' && error !== null && 'oclif' in error
}

const passwordHint = 'pipe the password into --password-stdin, or set INJECT_PASSWORD'

/** The flag that an unknown one was probably meant to be, else where to look. */
function usageHint(error: object): string {
  const known = knownFlags(error)
  const unknown = unknownFlags(error).filter((flag) => flag.startsWith('--'))
  const meant = unknown.map((flag) => similarName(flag.slice(2), known))
  const found = meant.filter((name) => name !== undefined).map((name) => `--${name}`)
  return found.length > 0 ? `did you mean ${found.join(', ')}?` : 'see --help'
}

/** The flags that the command has. */
function knownFlags(error: object): string[] {
  const {parse} = error as {parse?: {input?: {flags?: object}}}
  return Object.keys(parse?.input?.flags ?? {})
}

/** Flags that the command does not have, without their values, which may be passwords. */
function unknownFlags(error: object): string[] {
  if (!('flags' in error && Array.isArray(error.flags))) return []
  return (error.flags as unknown[]).map((flag) => /^--[^=]*|^-?.?/.exec(String(flag))?.[0] ?? '')
}

function isPassword(error: object): boolean {
  const flags = unknownFlags(error)
  return flags.includes('--password') || (flags.includes('-p') && isLogin(error))
}

/** docker's and podman's `login` have a `-p`. */
function isLogin(error: object): boolean {
  const {parse} = error as {parse?: {input?: {args?: object}}}
  return 'registry' in (parse?.input?.args ?? {})
}

/** oclif's parser writes itself around the message of an error that a flag's own `parse` throws. */
function withoutParser(message: string): string {
  return message.replace(/^Parsing (--\S+) \n\t([^]*)\nSee more help with --help$/, '$1: $2')
}

/** oclif's text over several lines, with advice of its own, as one clause. */
function usageMessage(error: object, text: string): string {
  if ('args' in error && Array.isArray(error.args) && /^Missing/.test(text)) {
    const missing = error.args as {name: string; options?: readonly string[]}[]
    const names = missing.map(({name, options = []}) => {
      const choice = options.length > 0 ? ` (${options.join(', ')})` : ''
      return `${name.toUpperCase()}${choice}`
    })
    return `${names.join(' and ')} ${names.length === 1 ? 'is' : 'are'} missing`
  }
  const unknown = unknownFlags(error)
  if (unknown.length > 0)
    return `unknown ${unknown.length > 1 ? 'flags' : 'flag'} ${unknown.join(', ')}`
  const [message = ''] = text.split(/\n\n|\nSee more help/)
  const [first = '', ...details] = message
    .split('\n')
    .map((line) => line.trim().replaceAll(/\s+/g, ' '))
    .map((line) => line.replace(/ received:$/, ' received nothing'))
  if (/^The following errors? occurred:$/.test(first)) return details.map(constraint).join('; ')
  const said = lowered(first)
  if (/^parsing --\S+$/.test(said))
    return `${said.slice('parsing '.length)}: ${lowered(details.join('; '))}`
  return details.length > 0 ? `${said} ${details.join('; ')}` : said
}

function lowered(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}

/** What oclif says of flags that are required, or need or exclude each other, in fewer words. */
function constraint(text: string): string {
  return text
    .replace(/^Missing required flag (\S+)$/, '--$1 is missing')
    .replace(/^All of the following must be provided when using (--\S+): (.*)$/, '$1 needs $2')
    .replace(/^(--[^\s=]+)\S* cannot also be provided when using (--\S+)$/, '$2 excludes $1')
}

/** The error and its causes with their stacks, for `--debug`. */
export function errorTrace(error: unknown): string {
  const lines: string[] = []
  for (
    let current = error;
    current !== undefined && lines.length < 8;
    current = current instanceof Error ? current.cause : undefined
  ) {
    lines.push(current instanceof Error ? stackOf(current) : escapedLine(JSON.stringify(current)))
  }
  return lines.join('\ncaused by: ')
}

/** The message on one line, then where it came from. */
function stackOf({message, stack = message}: Error): string {
  const end = stack.indexOf(message) + message.length
  return escapedLine(stack.slice(0, end)) + escapedLines(stack.slice(end))
}

/** What `--json` prints for a failure; `more` is the hint for an error without one. */
export function errorDocument(error: unknown, exit: number, more?: string) {
  const {code, message, expected, found, hint = more} = describe(error)
  return {schemaVersion: 1, error: {code, message, expected, found, hint, exitCode: exit}}
}
