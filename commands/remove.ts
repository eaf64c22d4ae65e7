import {Flags, type Interfaces} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {
  imageArg,
  imageRequest,
  resultRequest,
  slotName,
  strictFlag,
  tagFlags,
} from '../src/cli/flags/common.js'
import {presentRemoval} from '../src/cli/render/removal.js'
import {remove, type RemoveRequest} from '../src/operations/remove.js'

export default class Remove extends BaseCommand {
  static override readonly aliases = ['rm']
  static override readonly summary = 'Remove a slot from an image.'
  static override readonly description =
    'When the last slot goes, the result is the original image with its original digest, if the repository still has it, so its signatures are valid again. Otherwise the result is an equivalent image, and a message says so.'
  static override readonly examples = [
    {
      description: 'Go back to the original image:',
      command: '<%= config.bin %> <%= command.id %> registry.example/team/app:v1-data --tag v1',
    },
    {
      description: 'Remove one of several slots from every platform:',
      command:
        '<%= config.bin %> <%= command.id %> registry.example/team/app:v1 --name models --platform all',
    },
    {
      description: 'Show what would be done:',
      command: '<%= config.bin %> <%= command.id %> registry.example/team/app:v1 --dry-run',
    },
  ]
  static override readonly args = {image: imageArg}
  static override readonly flags = {
    ...tagFlags,
    name: slotName(),
    ...strictFlag,
    base: Flags.string({
      helpValue: 'TAG|DIGEST',
      summary: 'Original image in the same repository, if the image does not record it.',
    }),
  }

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Remove)
    const request = Remove.request(args, flags)
    return this.perform(flags, (ports) => remove(request, ports), presentRemoval(flags.digestfile))
  }

  /** The arguments and flags as the request of the operation. */
  static request(
    args: {image: string},
    flags: Interfaces.InferredFlags<typeof Remove.flags>,
  ): RemoveRequest {
    const {base} = flags
    return {image: imageRequest(args.image, flags), base, ...resultRequest(flags)}
  }
}
