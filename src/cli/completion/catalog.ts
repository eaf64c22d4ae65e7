import {argumentKind, type Described, valueKind, type WordKind} from './word-kind.js'

/** A word that a shell can offer. */
export interface Candidate {
  readonly text: string
  /** Says what it is, on one line; empty: the word says it. */
  readonly help: string
}

/** What the word under the cursor is. */
export type Typed =
  | {readonly kind: 'candidates'; readonly candidates: readonly Candidate[]}
  | {
      readonly kind: 'value'
      readonly of: WordKind
      /** What stands before the value in the same word, such as `--tag=`. */
      readonly before: string
      readonly text: string
      /** The first image among the words; `undefined` if there is no one yet. */
      readonly image: string | undefined
    }

/** The commands, and topics (words that stand before a command's name) with what they are about. */
export interface Catalog {
  readonly commands: readonly Described[]
  readonly topics: Readonly<Record<string, string>>
}

/**
 * What is being typed: `words` are those after the program's name, the last one being the one under
 * the cursor (empty if nothing of it is there).
 */
export function whatIsTyped(catalog: Catalog, words: readonly string[]): Typed {
  const current = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const [first = '', ...named] = before
  if (aboutCommands.has(first) && !current.startsWith('-'))
    return {kind: 'candidates', candidates: commandWords(catalog, named, current)}
  const found = commandIn(catalog.commands, before)
  if (!found) return {kind: 'candidates', candidates: commandWords(catalog, before, current)}
  const {command, rest} = found
  const seen = wordsSeen(command, rest)
  const image = seen.args.find((_, index) => kindOfArgument(command, index).kind === 'image')
  if (seen.open) return {kind: 'value', of: valueKind(seen.open), before: '', text: current, image}
  if (seen.onlyArguments || !current.startsWith('-')) {
    const of = kindOfArgument(command, seen.args.length)
    return {kind: 'value', of, before: '', text: current, image}
  }
  const [, flag = '', text = ''] = /^--([^=]+)=(.*)$/s.exec(current) ?? []
  const given = command.flags[flag]
  if (given?.type === 'option')
    return {kind: 'value', of: valueKind(given), before: `--${flag}=`, text, image}
  return {kind: 'candidates', candidates: flagWords(command, seen.flags, current)}
}

/** Commands whose arguments are the words of another command. */
const aboutCommands: ReadonlySet<string> = new Set(['help', 'man'])

function commandIn(commands: readonly Described[], words: readonly string[]) {
  for (let count = Math.min(2, words.length); count > 0; count--) {
    const id = words.slice(0, count).join(':')
    const command = commands.find(({id: own, aliases}) => own === id || aliases.includes(id))
    if (command) return {command, rest: words.slice(count)}
  }
  return undefined
}

function commandWords(
  {commands, topics}: Catalog,
  before: readonly string[],
  current: string,
): Candidate[] {
  const prefix = before.map((word) => `${word}:`).join('')
  const words = new Map<string, string>()
  for (const {id, aliases, summary, description, hidden} of commands) {
    if (hidden) continue
    for (const name of [id, ...aliases]) {
      const [word = '', more] = name.startsWith(prefix) ? name.slice(prefix.length).split(':') : []
      const help = more === undefined ? (summary ?? description) : topics[word]
      if (word !== '') words.set(word, oneLine(help))
    }
  }
  return fitting(words, current)
}

interface Seen {
  readonly args: readonly string[]
  /** The names of the flags that were given. */
  readonly flags: ReadonlySet<string>
  /** The flag that waits for its value. */
  readonly open: Described['flags'][string] | undefined
  readonly onlyArguments: boolean
}

function wordsSeen(command: Described, words: readonly string[]): Seen {
  const args: string[] = []
  const flags = new Set<string>()
  let open: Seen['open']
  let onlyArguments = false
  for (const word of words) {
    if (open) open = undefined
    else if (onlyArguments || !/^-./.test(word)) args.push(word)
    else if (word === '--') onlyArguments = true
    else {
      const flag = flagOf(command, word)
      if (flag) flags.add(flag.name)
      if (flag?.type === 'option' && !word.includes('=') && word.length <= 2 + flag.name.length)
        open = flag
    }
  }
  return {args, flags, open, onlyArguments}
}

function flagOf({flags}: Described, word: string) {
  const [, long] = /^--([^=]+)/.exec(word) ?? []
  if (long !== undefined) return flags[long]
  // -tv1 holds its value
  const flag = Object.values(flags).find(({char}) => char === word[1])
  return flag?.type === 'option' && word.length > 2 ? undefined : flag
}

/** The last argument may be given several times. */
function kindOfArgument({args}: Described, index: number): WordKind {
  const all = Object.values(args)
  const last = all.at(-1)
  const arg = all[index] ?? (last?.multiple ? last : undefined)
  return arg ? argumentKind(arg) : {kind: 'nothing'}
}

function flagWords({flags}: Described, given: ReadonlySet<string>, current: string): Candidate[] {
  const words = new Map<string, string>([['--help', 'Show help.']])
  for (const flag of Object.values(flags)) {
    const isAgain = given.has(flag.name) && !('multiple' in flag && flag.multiple)
    if (!flag.hidden && !isAgain)
      words.set(`--${flag.name}`, oneLine(flag.summary ?? flag.description))
  }
  return fitting(words, current)
}

/** The ones that begin as what is typed, sorted. */
export function fitting(words: ReadonlyMap<string, string>, current: string): Candidate[] {
  return [...words]
    .filter(([text]) => text.startsWith(current))
    .map(([text, help]) => ({text, help}))
    .sort((one, other) => (one.text < other.text ? -1 : 1))
}

function oneLine(text = ''): string {
  return text
    .replace(/<%=[^%]*%>/g, 'inject')
    .replace(/\s+/g, ' ')
    .trim()
}
