import {Args} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {commonFlags} from '../src/cli/flags/common.js'

export default class Schema extends BaseCommand {
  static override readonly summary = 'Print the JSON schema of a file that inject reads.'
  static override readonly description =
    'With it, editors complete and check the keys of a file that begins with "# yaml-language-server: $schema=FILE".'
  static override readonly examples = [
    {
      description: 'Save the schema of fleet files:',
      command: '<%= config.bin %> <%= command.id %> fleet > fleet.schema.json',
    },
    {
      description: 'Save the schema of project files:',
      command: '<%= config.bin %> <%= command.id %> project > inject.schema.json',
    },
  ]
  // there is no registry to log in to
  static override readonly baseFlags = commonFlags as typeof BaseCommand.baseFlags
  static override readonly args = {
    file: Args.string({
      ignoreStdin: true,
      required: true,
      options: ['fleet', 'project'],
      description: 'The kind of file.',
    }),
  }

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Schema)
    return this.perform(flags, async () => ({schema: await this.#schema(args.file)}), {
      line: ({schema}) => JSON.stringify(schema, null, 2),
    })
  }

  async #schema(file: string): Promise<object> {
    if (file === 'project') {
      const {projectSchema} = await import('../src/cli/project/schema.js')
      const {commandFlags} = await import('../src/cli/project/open.js')
      return projectSchema(commandFlags(this.config))
    }
    const {fleetSchema} = await import('../src/fleet/schema.js')
    return fleetSchema
  }
}
