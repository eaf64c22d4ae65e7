import {CommandHelp, Help as StandardHelp} from '@oclif/core'
import {unknownCommand} from './command-not-found.js'

/** The groups of flags, as `helpGroup` names them, after the common ones, which have none. */
const groups = [
  ...['RESULT', 'CONTENT', 'LAYER', 'PROVENANCE', 'SPEED', 'LIMITS', 'CONFIG', 'REGISTRY'],
  'GLOBAL',
]

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
    const args = Object.values(this.command.args).map((arg) => this.arg(arg))
    return [this.command.id, ...args, '[FLAGS]'].join(' ')
  }

  /** oclif cuts the indentation of the first line; names are to stand below each other. */
  override section(...[header, body]: Parameters<CommandHelp['section']>): string {
    const text = super.section(header, body)
    return header.endsWith('FLAGS') && /^ +-\w, /m.test(text)
      ? text.replace(/\n {2}--/, '\n      --')
      : text
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
