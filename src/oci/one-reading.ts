import {IntegrityError} from '../errors.js'
import {endOfString, endOfWord, stringAt} from './json-text.js'
import {foldName, freeForm, type Known} from './known-members.js'
import {quoted} from './quoted.js'

/** An object or a list that is open at this point of the text. */
interface Level {
  /** Of an object: the names so far. */
  readonly names: Set<string> | undefined
  readonly known: Known
  /** What the next value is, and its name in an object. */
  next: Known
  name: string
}

/**
 * Refuses a document that JSON readers take for different things: two members of one name, a member
 * that Go's reader takes for another one that engines know, a number that Go does not take for an
 * integer, half of a surrogate pair. Throws `IntegrityError` (`ERR_INJECT_DUPLICATE_KEY`,
 * `ERR_INJECT_AMBIGUOUS_MEMBER`). `text` must be JSON; the pass is linear and keeps only names.
 */
export function refuseTwoReadings(text: string, known: Known, what: string): void {
  const mayHalve = /\\u[dD][89a-fA-F]/.test(text)
  const open: Level[] = []
  let level: Level = {names: undefined, known: freeForm, next: known, name: ''}
  let latest = {start: 0, end: 0}
  const begin = (names: Set<string> | undefined): void => {
    open.push(level)
    const next = names === undefined ? elementOf(level.next) : freeForm
    level = {names, known: level.next, next, name: level.name}
  }
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at)
    if (character === '"') {
      latest = {start: at, end: endOfString(text, at) + 1}
      at = latest.end - 1
      if (mayHalve) refuseHalves(stringAt(text, latest.start, latest.end), what)
    } else if (character === '{') begin(new Set())
    else if (character === '[') begin(undefined)
    else if (character === '}' || character === ']') level = open.pop() ?? level
    else if (character === ':') {
      // a colon outside a string ends a member's name; names are compared decoded, as any reader
      // would
      level.name = stringAt(text, latest.start, latest.end)
      level.next = memberOf(level, what)
    } else if (/[\d-]/.test(character)) {
      const end = endOfWord(text, at)
      if (level.next.kind === 'integer') checkInteger(text.slice(at, end), level.name, what)
      at = end - 1
    }
  }
}

/** Notes the name that `level` has come to, and gives what its value is. */
function memberOf({names, known, name}: Level, what: string): Known {
  if (names?.has(name)) {
    throw new IntegrityError(
      'ERR_INJECT_DUPLICATE_KEY',
      `${what} has two members called ${quoted(name)} in one object`,
    )
  }
  names?.add(name)
  if (known.kind !== 'struct') return freeForm
  const found = known.members.get(name)
  if (found !== undefined) return found
  const meant = known.folded.get(foldName(name))
  if (meant === undefined) return freeForm
  throw ambiguous(
    `${what} has a member ${quoted(name)}, which Go programs read as ${quoted(meant)}`,
    {
      expected: meant,
      found: name,
    },
  )
}

function elementOf(known: Known): Known {
  return known.kind === 'list' ? known.element : freeForm
}

/**
 * Go's int64 takes digits only: neither a fraction nor an exponent, even where the value is whole.
 */
function checkInteger(token: string, name: string, what: string): void {
  // 19 digits and a sign; a longer one would take long to convert
  const isInteger = token.length <= 20 && /^-?\d+$/.test(token)
  if (isInteger && BigInt.asIntN(64, BigInt(token)) === BigInt(token)) return
  const shown = token.length > 40 ? `${token.slice(0, 40)}…` : token
  throw ambiguous(`${what} has ${shown} as ${quoted(name)}, which is not an integer in 64 bits`, {
    found: shown,
  })
}

/** Go reads half of a surrogate pair as U+FFFD, so that two different texts become one. */
function refuseHalves(text: string, what: string): void {
  if (!/\p{Surrogate}/u.test(text)) return
  throw ambiguous(`${what} has half of a surrogate pair in the text ${quoted(text)}`)
}

function ambiguous(
  message: string,
  details: {readonly expected?: string; readonly found?: string} = {},
): IntegrityError {
  return new IntegrityError('ERR_INJECT_AMBIGUOUS_MEMBER', message, {
    ...details,
    hint: 'do not use this document: other programs would read something else in it than was shown',
  })
}
