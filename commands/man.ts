import {Args} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {unknownCommand} from '../src/cli/command-not-found.js'
import {commonFlags} from '../src/cli/flags/common.js'
import {UsageError} from '../src/errors.js'
import {readProgramFile} from '../src/program/program-file.js'

export default class Man extends BaseCommand {
  static override readonly summary = 'Print the man page of the program or of a command.'
  static override readonly description =
    'The page as man reads it. A global installation by npm has the pages where man finds them; the one executable file has them inside.'
  static override readonly strict = false
  static override readonly examples = [
    {
      description: 'Read the page of the program:',
      command: '<%= config.bin %> <%= command.id %> | man -l -',
    },
    {
      description: 'Read the page of a command:',
      command: '<%= config.bin %> <%= command.id %> update | man -l -',
    },
  ]
  // there is no registry to log in to
  static override readonly baseFlags = commonFlags as typeof BaseCommand.baseFlags
  static override readonly args = {
    command: Args.string({
      ignoreStdin: true,
      description: 'COMMAND...: the words of a command.',
    }),
  }

  async run(): Promise<object> {
    const {argv, flags} = await this.parse(Man)
    const id = (argv as string[]).join(':')
    return this.perform(flags, () => Promise.resolve({schemaVersion: 1, page: this.#page(id)}), {
      line: ({page}) => page.trimEnd(),
    })
  }

  #page(id: string): string {
    const isKnown = this.config.commands.some((command) => command.id === id && !command.hidden)
    if (id !== '' && !isKnown)
      throw new UsageError('ERR_INJECT_USAGE', unknownCommand(this.config, id))
    const name = ['inject', ...id.split(':').filter((word) => word !== '')].join('-')
    const page = readProgramFile(new URL(`../man/${name}.1`, import.meta.url))
    return Buffer.from(page).toString('utf8')
  }
}
