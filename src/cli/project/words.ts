import {Parser} from '@oclif/core'
import {withAttestValue} from '../flags/attest.js'
import {givesWayTo, isCommon, variables} from './keys.js'
import {parseWord} from './decode.js'
import type {KnownFlag, Project, Setting} from './project.js'

/** A command line, and what its command knows. */
export interface CommandLine {
  /** The command's identifier. */
  readonly command: string
  readonly argv: readonly string[]
  readonly flags: Readonly<Record<string, KnownFlag>>
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * The words to put before a command line, so that what the project file says holds where neither a
 * flag nor the environment says otherwise.
 */
export async function projectWords(project: Project, line: CommandLine): Promise<string[]> {
  const given = await givenFlags(line)
  // the command line has a mistake, which its parser will name
  if (!given) return []
  const words = new Map<string, readonly string[]>()
  for (const [key, flag] of Object.entries(line.flags)) {
    const setting = settingFor(project, key, line.command)
    if (!setting || given.has(key) || isDisplaced(key, flag, given, line)) continue
    if (isForMany(setting) && forOneImage.some((name) => given.has(name))) continue
    if (!(await fits(flag, setting))) continue
    words.set(key, wordsOf(setting))
  }
  const isThere = (name: unknown): boolean =>
    typeof name === 'string' && (given.has(name) || (words.get(name)?.length ?? 0) > 0)
  return [...words].flatMap(([key, own]) =>
    (line.flags[key]?.dependsOn ?? []).every(isThere) ? own : [],
  )
}

/** That of the command itself, else that of all commands. */
export function settingFor({settings}: Project, key: string, command: string): Setting | undefined {
  const named = settings.filter((setting) => setting.key === key)
  const own = named.find((setting) => setting.command === command)
  if (own) return own
  return isCommon(key, command) ? named.find((setting) => setting.command === undefined) : undefined
}

/** The variable of the environment that has a say before the file, if it is set. */
export function variableOf(
  key: string,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const name = variables[key]
  return name !== undefined && env[name] ? name : undefined
}

/** The flags on the command line; `undefined` if it has one that the command does not have. */
async function givenFlags({argv, flags}: CommandLine): Promise<ReadonlySet<string> | undefined> {
  // only the names count: what values are, and what goes with what, is for the command's parser
  const names = Object.entries(flags).map(([name, flag]) => [name, nameOnly(flag)] as const)
  try {
    const parsed = await Parser.parse(withAttestValue(argv), {
      flags: Object.fromEntries(names) as never,
      args: {},
      strict: false,
    })
    return new Set(Object.keys(parsed.flags))
  } catch {
    return undefined
  }
}

/** Dependencies, options, defaults and parsers are left out. */
function nameOnly(flag: KnownFlag): KnownFlag {
  const {type, multiple, multipleNonGreedy, char, aliases, charAliases, allowNo} = flag
  const names = {char, aliases, charAliases, allowNo}
  return {type, multiple, multipleNonGreedy, ...names, parse: (word) => Promise.resolve(word)}
}

/** Whether a flag or variable that is given leaves no room for the default. */
function isDisplaced(
  key: string,
  flag: KnownFlag,
  given: ReadonlySet<string>,
  {flags, env}: CommandLine,
): boolean {
  if (variableOf(key, env) !== undefined) return true
  const others = [...(givesWayTo[key] ?? []), ...(flag.exclusive ?? [])]
  if (others.some((name) => typeof name === 'string' && given.has(name))) return true
  return [...given].some((name) => flags[name]?.exclusive?.includes(key))
}

/** Flags with which a command takes one image of an index. */
const forOneImage = ['list']

function isForMany({key, value}: Setting): boolean {
  if (key !== 'platform' || typeof value === 'boolean') return false
  return value.length > 1 || value.includes('all')
}

/** Several platforms, or all of them, are not for a command that takes one. */
async function fits(flag: KnownFlag, {value}: Setting): Promise<boolean> {
  if (typeof value === 'boolean') return flag.type === 'boolean'
  if (value.length > 1 && flag.multiple !== true) return false
  if (flag.options && !value.every((word) => flag.options?.includes(word))) return false
  try {
    for (const word of value) await parseWord(flag, word)
    return true
  } catch {
    return false
  }
}

function wordsOf({key, value}: Setting): string[] {
  if (typeof value === 'boolean') return value ? [`--${key}`] : []
  return value.map((word) => `--${key}=${word}`)
}
