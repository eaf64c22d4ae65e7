import {BaseCommand} from '../src/cli/base-command.js'
import {imageArg, strictFlag} from '../src/cli/flags/common.js'
import {platformFlag} from '../src/cli/flags/platform.js'
import {renderSlots} from '../src/cli/render/inspect.js'
import {parseReference} from '../src/oci/names/reference.js'
import {inspect} from '../src/operations/inspect.js'

export default class List extends BaseCommand {
  static override readonly summary = 'List the slots of an image, one per line.'
  static override readonly examples = [
    {
      description: 'List the slots:',
      command: '<%= config.bin %> <%= command.id %> registry.example/team/app:v1',
    },
    {
      description: 'The same as JSON:',
      command: '<%= config.bin %> <%= command.id %> registry.example/team/app:v1 --json',
    },
    {
      description: 'Of one image of an index:',
      command:
        '<%= config.bin %> <%= command.id %> registry.example/team/app:v1 --platform linux/arm64',
    },
  ]
  static override readonly args = {image: imageArg}
  static override readonly flags = {platform: platformFlag(), ...strictFlag}

  async run(): Promise<object> {
    const {args, flags} = await this.parse(List)
    const reference = parseReference(args.image)
    return this.perform(flags, (ports) => inspect({reference, platform: flags.platform}, ports), {
      line: renderSlots,
    })
  }
}
