import {quoted} from '../../oci/quoted.js'
import {booleanOf, type Entry, type Item, mustBe} from '../../yaml/item.js'
import {mistakeAt} from '../../yaml/position.js'
import {similarName} from '../terminal/similar-name.js'
import {commonKeys, numberKeys, ownKeys} from './keys.js'
import type {CommandFlags, KnownFlag, Project, Setting} from './project.js'
import type {ReadProject} from './read.js'
import {refusal} from './refused.js'

/** The member with defaults of single commands. */
export const commandsKey = 'commands'

/**
 * What a project file says. Every key must be known, and every value must be one of its flag.
 * Throws `UsageError` (`ERR_INJECT_PROJECT_INVALID`) with the place of the first mistake.
 */
export async function decodeProject(
  {file, root}: ReadProject,
  commands: CommandFlags,
): Promise<Project> {
  const settings: Setting[] = []
  const flags = new Set([...commands.values()].flat())
  for (const [key, entry] of entriesOf(root, 'a project file')) {
    if (key === commandsKey) {
      for (const [name, own] of entriesOf(entry.item, commandsKey))
        settings.push(...(await ofCommand(name, own, commands)))
      continue
    }
    const flag = own(commonKeys, key)
    if (!flag)
      throw unknownKey(key, entry, {flags, known: [...Object.keys(commonKeys), commandsKey]})
    settings.push(await settingOf(key, entry, {flag, command: undefined}))
  }
  return {file, settings}
}

/** The defaults of one command, which is named as it is typed: `store gc`. */
async function ofCommand(name: string, {at, item}: Entry, commands: CommandFlags) {
  const command = name.replaceAll(' ', ':')
  const has = commands.get(command)
  if (!has) {
    const known = [...commands.keys()].map((each) => each.replaceAll(':', ' '))
    throw mistakeAt(at, `unknown command ${quoted(name)}`, meant(name, known))
  }
  const common = Object.keys(commonKeys).filter((key) => has.includes(key))
  const special = own(ownKeys, command) ?? {}
  const settings: Setting[] = []
  for (const [key, entry] of entriesOf(item, `${commandsKey}.${name}`)) {
    const flag = own(special, key) ?? (common.includes(key) ? own(commonKeys, key) : undefined)
    if (!flag) {
      const known = [...new Set([...common, ...Object.keys(special)])]
      throw unknownKey(key, entry, {flags: new Set(has), known})
    }
    settings.push(await settingOf(key, entry, {flag, command}))
  }
  return settings
}

async function settingOf(
  key: string,
  {item}: Entry,
  {flag, command}: {readonly flag: KnownFlag; readonly command: string | undefined},
): Promise<Setting> {
  if (flag.type === 'boolean') return {key, command, value: booleanOf(item, key), at: item.at}
  const isList = item.kind === 'list'
  if (isList && flag.multiple !== true) throw mustBe(item, key, 'one value, not a list')
  const items = isList ? item.items : [item]
  if (items.length === 0) throw mustBe(item, key, 'a value or a list of values')
  const value = items.map((each) => wordOf(each, key))
  for (const [index, word] of value.entries())
    await checkWord(word, items[index] ?? item, key, flag)
  return {key, command, value, at: item.at}
}

/** What would stand on the command line; `1.10` is a text that YAML reads as a number, 1.1. */
function wordOf(item: Item, key: string): string {
  if (item.kind === 'scalar') {
    const {value} = item
    if (typeof value === 'string' && value !== '' && !value.includes('\0')) return value
    if (typeof value === 'number' && numberKeys.has(key) && Number.isInteger(value))
      return String(value)
    if (typeof value === 'number') throw mustBe(item, key, 'a text', 'put it in quotes')
  }
  throw mustBe(item, key, 'a text')
}

/** The flag's own check, which says what is wrong. */
async function checkWord(word: string, {at}: Item, key: string, flag: KnownFlag): Promise<void> {
  if (flag.options && !flag.options.includes(word))
    throw mistakeAt(at, `${key} is ${quoted(word)}`, `use ${flag.options.join(', ')}`)
  try {
    await parseWord(flag, word)
  } catch (error) {
    const {message, hint} = error as {readonly message: string; readonly hint?: string}
    throw mistakeAt(at, `${key}: ${message}`, hint)
  }
}

/** Throws what the flag's parser throws. */
export async function parseWord(flag: KnownFlag, word: string): Promise<void> {
  await flag.parse?.(word as never, {} as never, flag as never)
}

function entriesOf(item: Item, what: string): ReadonlyMap<string, Entry> {
  // a key whose lines are all commented out
  if (item.kind === 'scalar' && item.value === null) return new Map()
  if (item.kind !== 'map') throw mustBe(item, what, 'a map')
  return item.entries
}

interface Names {
  readonly flags: ReadonlySet<string>
  readonly known: readonly string[]
}

function unknownKey(key: string, {at}: Entry, {flags, known}: Names) {
  const name = key.replace(/^--/, '')
  const reason = refusal(name, flags.has(name))
  if (reason !== undefined && !known.includes(name))
    return mistakeAt(at, `${quoted(key)} must not be in a project file`, reason)
  return mistakeAt(at, `unknown key ${quoted(key)}`, meant(name, known))
}

function meant(name: string, known: readonly string[]): string {
  const similar = similarName(name, known)
  return similar === undefined ? `use one of ${known.join(', ')}` : `did you mean ${similar}?`
}

/** A member of its own, since a file may name `__proto__`. */
function own<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined
}
