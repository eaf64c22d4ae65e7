import {BaseCommand} from '../src/cli/base-command.js'
import {complete, formatCompletion} from '../src/cli/completion/complete.js'
import {registryWords} from '../src/cli/completion/registry-words.js'
import {remoteLookup} from '../src/cli/completion/remote.js'

/** What the scripts of `inject completion` ask when Tab is pressed. */
export default class Complete extends BaseCommand {
  static override readonly hidden = true
  static override readonly strict = false
  static override readonly summary = 'Print what can stand in place of the last word.'
  static override readonly examples = ['<%= config.bin %> <%= command.id %> -- update --comp']

  async run(): Promise<void> {
    const {argv} = this
    const words = argv.slice(argv.indexOf('--') + 1).map((word) => (word === '""' ? '' : word))
    const {flags} = await this.parse(Complete, registryWords(words))
    const {commands, topics} = this.config
    const about = topics.map(({name, description = ''}) => [name, description] as const)
    const catalog = {commands, topics: Object.fromEntries(about)}
    const found = await complete(catalog, words, remoteLookup(flags, process.env))
    process.stdout.write(formatCompletion(found))
  }

  /** A shell has no place for errors in the middle of a command. */
  protected override catch(): Promise<unknown> {
    process.exitCode = 1
    return Promise.resolve(undefined)
  }
}
