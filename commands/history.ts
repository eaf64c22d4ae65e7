import {Flags, type Interfaces} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {imageArg, strictFlag} from '../src/cli/flags/common.js'
import {renderHistory} from '../src/cli/render/follow/history.js'
import {parseReference} from '../src/oci/names/reference.js'
import {history} from '../src/operations/history.js'

export default class History extends BaseCommand {
  static override readonly summary = 'Show what a tag named before, and which runs changed it.'
  static override readonly description =
    'Each update notes the image that it replaced. The list follows these links, newest first, until an image is no longer in the repository or has no link. inject rollback takes the number of a line.'
  static override readonly examples = [
    {
      description: 'Show the last states:',
      command: '<%= config.bin %> <%= command.id %> registry.example/team/app:v1-data',
    },
    {
      description: 'The last three as JSON:',
      command:
        '<%= config.bin %> <%= command.id %> registry.example/team/app:v1-data --last 3 --json',
    },
  ]
  static override readonly args = {image: imageArg}
  static override readonly flags = {
    last: Flags.integer({
      min: 1,
      max: 1000,
      default: 20,
      helpValue: 'N',
      summary: 'How many states to show.',
    }),
    ...strictFlag,
  }

  async run(): Promise<object> {
    const {args, flags} = await this.parse(History)
    const request = History.request(args, flags)
    return this.perform(flags, (ports) => history(request, ports), {line: renderHistory})
  }

  /** The arguments and flags as the request of the operation. */
  static request(args: {image: string}, flags: Interfaces.InferredFlags<typeof History.flags>) {
    return {reference: parseReference(args.image), most: flags.last}
  }
}
