import type {Interfaces} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {imageArg, strictFlag} from '../src/cli/flags/common.js'
import {platformFlag} from '../src/cli/flags/platform.js'
import {renderInspect} from '../src/cli/render/inspect.js'
import {parseReference} from '../src/oci/names/reference.js'
import {inspect} from '../src/operations/inspect.js'

export default class Inspect extends BaseCommand {
  static override readonly summary = 'Show the layers of an image with their sizes, and its slots.'
  static override readonly examples = [
    {
      description: 'Show layers and slots:',
      command: '<%= config.bin %> <%= command.id %> registry.example/team/app:v1',
    },
    {
      description: 'The same as JSON:',
      command: '<%= config.bin %> <%= command.id %> oci:layout:v1 --json',
    },
    {
      description: 'One image of an index:',
      command:
        '<%= config.bin %> <%= command.id %> registry.example/team/app:v1 --platform linux/arm64',
    },
  ]
  static override readonly args = {
    image: imageArg,
  }

  static override readonly flags = {platform: platformFlag(), ...strictFlag}

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Inspect)
    const request = Inspect.request(args, flags)
    return this.perform(flags, (ports) => inspect(request, ports), {line: renderInspect})
  }

  /** The arguments and flags as the request of the operation. */
  static request(args: {image: string}, flags: Interfaces.InferredFlags<typeof Inspect.flags>) {
    return {reference: parseReference(args.image), platform: flags.platform}
  }
}
