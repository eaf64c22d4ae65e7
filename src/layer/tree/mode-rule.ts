import {UsageError} from '../../errors.js'
import {quoted} from '../../oci/quoted.js'

/** One clause of a rule: some bits of some classes are added, taken away or set. */
interface Clause {
  /** The bits that the clause is about: of its classes, with their special ones. */
  readonly classes: number
  readonly action: '+' | '-' | '='
  readonly bits: number
  /** `X`: to execute, where it is a directory or anybody may execute it. */
  readonly maybeExecute: number
}

/** What becomes of the modes of files and directories. */
export type ModeRule = readonly Clause[]

/**
 * A rule in the symbolic form of `chmod` (`u=rwX,go=rX`), or an octal mode for everything. Without
 * a class all of them are meant, whatever the umask is. Throws `UsageError`
 * (`ERR_INJECT_MODE_INVALID`).
 * https://pubs.opengroup.org/onlinepubs/9799919799/utilities/chmod.html#tag_20_17_13
 */
export function parseModeRule(text: string): ModeRule {
  if (/^[0-7]{3,4}$/.test(text)) {
    return [{classes: 0o7777, action: '=', bits: Number.parseInt(text, 8), maybeExecute: 0}]
  }
  return text.split(',').flatMap((clause) => parseClause(clause, text))
}

/** The mode (the lower 12 bits) that `rule` makes of `mode`; clauses count in their order. */
export function applyModeRule(rule: ModeRule, mode: number, isDirectory: boolean): number {
  return rule.reduce((before, {classes, action, bits, maybeExecute}) => {
    const executes = isDirectory || (before & 0o111) !== 0
    const wanted = executes ? bits | maybeExecute : bits
    if (action === '+') return before | wanted
    if (action === '-') return before & ~wanted
    return (before & ~classes) | wanted
  }, mode)
}

const classBits: Readonly<Record<string, number>> = {u: 0o4700, g: 0o2070, o: 0o1007}
const permissionBits: Readonly<Record<string, number>> = {
  r: 0o444,
  w: 0o222,
  x: 0o111,
  s: 0o6000,
  t: 0o1000,
}

function parseClause(clause: string, whole: string): Clause[] {
  const [, who = '', actions = ''] = /^([ugoa]*)((?:[-+=][rwxXst]*)+)$/.exec(clause) ?? []
  if (actions === '') throw invalid(whole)
  const letters = who === '' || who.includes('a') ? 'ugo' : who
  const classes = sum(letters, classBits)
  return [...actions.matchAll(/([-+=])([rwxXst]*)/g)].map(([, action, letters = '']) => ({
    classes,
    action: action as Clause['action'],
    bits: sum(letters, permissionBits) & classes,
    maybeExecute: letters.includes('X') ? 0o111 & classes : 0,
  }))
}

function sum(letters: string, table: Readonly<Record<string, number>>): number {
  return Array.from(letters).reduce((bits, letter) => bits | (table[letter] ?? 0), 0)
}

function invalid(text: string): UsageError {
  return new UsageError('ERR_INJECT_MODE_INVALID', `invalid mode: ${quoted(text)}`, {
    hint: 'write it as chmod takes it: u=rwX,go=rX, or go-w, or 755',
  })
}
