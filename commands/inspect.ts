import type {Interfaces} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {imageArg, strictFlag} from '../src/cli/flags/common.js'
import {platformFlag} from '../src/cli/flags/platform.js'
import {renderInspect} from '../src/cli/render/inspect.js'
import {parseReference} from '../src/oci/reference.js'
import {inspect} from '../src/operations/inspect.js'

export default class Inspect extends BaseCommand {
  static override readonly summary =
    'Show what an image is made of: layers with sizes, slots marked.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> registry.example/team/app:v1',
    '<%= config.bin %> <%= command.id %> oci:layout:v1 --json',
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

  /** What arguments and flags ask for, as the operation takes it. */
  static request(args: {image: string}, flags: Interfaces.InferredFlags<typeof Inspect.flags>) {
    return {reference: parseReference(args.image), platform: flags.platform}
  }
}
