import {CommandHelp, Help as StandardHelp} from '@oclif/core'
import {unknownCommand} from './command-not-found.js'
import {twoColumns, widestPage, wrapText} from './help-layout.js'

/** The groups of flags, as `helpGroup` names them, after the common ones, which have none. */
const groups = [
  ...['RESULT', 'CONTENT', 'LAYER', 'PROVENANCE', 'SPEED', 'LIMITS', 'CONFIG', 'REGISTRY'],
  'GLOBAL',
]

/** A blank at which no line ends, while a page is being made. */
const joined = '\u00A0'

/** A help page: what the command does, its common flags and examples, and then all the rest. */
class CommandPage extends CommandHelp {
  protected override groupFlags(flags: Parameters<CommandHelp['groupFlags']>[0]) {
    const {mainFlags, flagGroups} = super.groupFlags(flags)
    const names = Object.keys(flagGroups).sort((a, b) => groups.indexOf(a) - groups.indexOf(b))
    const ordered = names.map((name) => [name, flagGroups[name] ?? []] as const)
    return {mainFlags, flagGroups: Object.fromEntries(ordered)}
  }

  /** Flags have their own sections; oclif would list them all here again. */
  protected override defaultUsage(): string {
    const args = Object.values(this.command.args).filter(({hidden}) => !hidden)
    const names = args.map((arg) => this.#argument(arg, arg === args.at(-1)))
    return [this.command.id, ...names, '[FLAGS]'].join(' ')
  }

  /** Where a command takes any number of words, only its last argument stands for several. */
  protected override args(args: Parameters<CommandHelp['args']>[0]) {
    return super.args(args)?.map(([name, text], at): [string, string | undefined] => {
      const arg = args[at]
      return [arg ? this.#argument(arg, at === args.length - 1) : name, text]
    })
  }

  #argument(arg: Parameters<CommandHelp['arg']>[0], isLast: boolean): string {
    const isMany = arg.multiple === true || (isLast && this.command.strict === false)
    const name = `${arg.name.toUpperCase()}${isMany ? '...' : ''}`
    return arg.required ? name : `[${name}]`
  }

  /** The value of a flag stays on its line. */
  protected override examples(examples: Parameters<CommandHelp['examples']>[0]) {
    return super.examples(
      [examples ?? []]
        .flat()
        .map((example) =>
          typeof example === 'string'
            ? withJoinedFlags(example)
            : {...example, command: withJoinedFlags(example.command)},
        ),
    )
  }

  override generate(): string {
    return super.generate().replaceAll(joined, ' ')
  }

  override wrap(body: string, spacing = this.indentSpacing): string {
    return wrapText(this.render(body), this.opts.maxWidth - spacing)
  }

  override renderList(...[rows, options]: Parameters<CommandHelp['renderList']>): string {
    return twoColumns(rows, this.opts.maxWidth - options.indentation)
  }

  protected override sections() {
    const sections = super.sections()
    const named = (...headers: string[]) =>
      headers.flatMap((header) => sections.filter((section) => section.header === header))
    return named('USAGE', 'DESCRIPTION', 'ARGUMENTS', 'EXAMPLES', 'FLAGS')
  }
}

/** `--help` and `inject help`: flags in the order in which commands declare them, by groups. */
export default class Help extends StandardHelp {
  protected override CommandHelpClass = CommandPage

  constructor(...[config, options]: ConstructorParameters<typeof StandardHelp>) {
    super(config, {flagSortOrder: 'none', hideCommandSummaryInDescription: true, ...options})
    this.opts.maxWidth = Math.min(this.opts.maxWidth, widestPage)
  }

  override wrap(body: string, spacing = this.indentSpacing): string {
    return wrapText(this.render(body), this.opts.maxWidth - spacing)
  }

  override renderList(...[rows, options]: Parameters<CommandHelp['renderList']>): string {
    // summaries come in lines of a whole page
    const texts = rows.map(([name, text]) => [name, text?.replaceAll('\n', ' ')])
    return twoColumns(texts, this.opts.maxWidth - options.indentation)
  }

  override formatRoot(): string {
    return this.wrap(super.formatRoot(), 0)
  }

  protected override formatTopic(topic: Parameters<StandardHelp['formatTopic']>[0]): string {
    return this.wrap(super.formatTopic(topic), 0)
  }

  protected override summary(command: Parameters<StandardHelp['summary']>[0]) {
    const text = super.summary(command)
    return text === undefined ? undefined : this.wrap(text, 0)
  }

  /** oclif prints an error over several lines for a command that does not exist. */
  override async showHelp(argv: string[]): Promise<void> {
    const words = argv.filter((word) => word !== 'help' && !word.startsWith('-'))
    const ids = words.map((_, index) => words.slice(0, index + 1).join(':'))
    const isKnown = ids.some((id) => this.config.findCommand(id) ?? this.config.findTopic(id))
    if (words.length === 0 || isKnown) return super.showHelp(argv)
    process.stderr.write(`inject: ${unknownCommand(this.config, words.join(':'))}\n`)
    process.exitCode = 2
  }
}

function withJoinedFlags(command: string): string {
  return command.replaceAll(/( (?:--?[a-z][\w-]*|[|>])) (?=[^\s|>-])/g, `$1${joined}`)
}
