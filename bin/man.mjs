// npm run build: makes man pages of oclif.manifest.json, one for the program and one for each
// command, in dist/man: the same words as --help and docs/reference.md.
import {mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const readJson = (...path) => JSON.parse(readFileSync(join(root, ...path), 'utf8'))
const {version, description, oclif} = readJson('package.json')
const commands = Object.values(readJson('oclif.manifest.json').commands)
  .filter(({hidden}) => !hidden)
  .sort((one, other) => (one.id < other.id ? -1 : 1))

/** The groups of flags in the order of --help: see src/cli/help.ts. */
const groups = [
  undefined,
  ...['RESULT', 'CONTENT', 'LAYER', 'PROVENANCE', 'SPEED', 'LIMITS', 'CONFIG', 'REGISTRY'],
  'GLOBAL',
]

const wordsOf = ({id}) => id.replaceAll(':', ' ')
const pageOf = ({id}) => `inject-${id.replaceAll(':', '-')}`

/** Text that stands for itself, on one line. */
function text(words) {
  const line = words.replaceAll(/\s+/g, ' ').trim()
  const escaped = line
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('"', '\\(dq')
    .replaceAll('`', '\\(ga')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
    .replaceAll('…', '...')
  return escaped.startsWith('.') ? `\\&${escaped}` : escaped
}

const title = (name) =>
  `.TH ${text(name.toUpperCase())} 1 "" "inject ${version}" "User Commands"\n.nh\n.ad l`
const section = (name, ...lines) => (lines.length === 0 ? [] : [`.SH ${name}`, ...lines])
const item = (term, words) => ['.TP', term, text(words ?? '')]
const filled = (template, id) =>
  template
    .replaceAll('<%= config.bin %>', 'inject')
    .replaceAll('<%= command.id %>', id.replaceAll(':', ' '))

function flagItem({char, name, type, helpValue, summary, description: more, options, ...flag}) {
  const value = helpValue ?? (options ? options.join('|') : 'VALUE')
  const long = `\\fB\\-\\-${flag.allowNo ? '[no\\-]' : ''}${text(name)}\\fR`
  const short = char ? `\\fB\\-${char}\\fR, ` : ''
  return item(
    `${short}${long}${type === 'option' ? `=\\fI${text(value)}\\fR` : ''}`,
    summary ?? more,
  )
}

function flagSections({flags}) {
  const all = Object.values(flags).filter(({hidden}) => !hidden)
  const known = [...groups, ...new Set(all.map(({helpGroup}) => helpGroup))]
  return [...new Set(known)].flatMap((group) => {
    const own = all.filter(({helpGroup}) => helpGroup === group)
    const name = group === undefined ? 'OPTIONS' : `${group} OPTIONS`
    return section(`"${name}"`, ...own.flatMap(flagItem))
  })
}

function examples({id, examples: all = []}) {
  return all.flatMap((example) => {
    const [about, ...lines] =
      typeof example === 'string'
        ? example.includes('\n')
          ? example.split('\n')
          : ['', example]
        : [example.description, example.command]
    const command = lines.map((line) => text(filled(line, id)))
    return ['.PP', ...(about ? [text(about)] : []), '.RS 4', '.nf', ...command, '.fi', '.RE']
  })
}

const argumentOf = ({name, required, multiple}) => {
  const word = `\\fI${text(name.toUpperCase())}\\fR${multiple ? ' ...' : ''}`
  return required ? word : `[${word}]`
}

function page(command) {
  const args = Object.values(command.args)
  const summary = command.summary ?? command.description ?? ''
  return [
    title(pageOf(command)),
    ...section('NAME', `${text(pageOf(command))} \\- ${text(summary.replace(/\.$/, ''))}`),
    ...section(
      'SYNOPSIS',
      [
        `\\fBinject ${text(wordsOf(command))}\\fR`,
        ...args.map(argumentOf),
        '[\\fIOPTIONS\\fR]',
      ].join(' '),
    ),
    ...section(
      'DESCRIPTION',
      text([summary, command.summary && command.description].filter(Boolean).join(' ')),
    ),
    ...(command.aliases.length > 0
      ? [
          '.PP',
          `Also: ${command.aliases.map((alias) => `\\fBinject ${text(alias)}\\fR`).join(', ')}.`,
        ]
      : []),
    ...section('ARGUMENTS', ...args.flatMap((arg) => item(argumentOf(arg), arg.description))),
    ...flagSections(command),
    ...section('EXAMPLES', ...examples(command)),
    ...section('"EXIT STATUS"', '0 for success; the other codes are in \\fBinject\\fR(1).'),
    ...section('"SEE ALSO"', '\\fBinject\\fR(1)'),
  ]
}

/** The rows of docs/exit-codes.md: a number, and what it means. */
function exitCodes() {
  const rows = readFileSync(join(root, 'docs/exit-codes.md'), 'utf8').matchAll(
    /^\| *([\d, ]+?) *\| *([^|]+?) *\|/gm,
  )
  return [...rows].flatMap(([, code, meaning]) =>
    item(`\\fB${code}\\fR`, meaning.replaceAll('`', '').replaceAll(/\[([^\]]+)\]\([^)]*\)/g, '$1')),
  )
}

function mainPage() {
  return [
    title('inject'),
    ...section('NAME', 'inject \\- put a directory into an image in a registry'),
    ...section('SYNOPSIS', '\\fBinject\\fR \\fICOMMAND\\fR [\\fIARGUMENTS\\fR] [\\fIOPTIONS\\fR]'),
    ...section('DESCRIPTION', text(description)),
    ...section(
      'COMMANDS',
      ...commands.flatMap((command) =>
        item(`\\fB${text(pageOf(command))}\\fR(1)`, command.summary ?? command.description),
      ),
    ),
    ...section('"EXIT STATUS"', ...exitCodes()),
    ...section(
      '"SEE ALSO"',
      commands.map((command) => `\\fB${text(pageOf(command))}\\fR(1)`).join(',\n'),
    ),
  ]
}

const folder = join(root, 'dist/man')
rmSync(folder, {recursive: true, force: true})
mkdirSync(folder, {recursive: true})
const write = (name, lines) => writeFileSync(join(folder, `${name}.1`), `${lines.join('\n')}\n`)
write(oclif.bin, mainPage())
for (const command of commands) write(pageOf(command), page(command))
