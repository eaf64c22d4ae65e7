import {BaseCommand} from '../src/cli/base-command.js'
import {imageArg} from '../src/cli/flags/common.js'
import {platformFlag} from '../src/cli/flags/platform.js'
import {parseReference} from '../src/oci/names/reference.js'
import {describeRaw, readManifest} from '../src/operations/browse/read-raw.js'

export default class Digest extends BaseCommand {
  static override readonly summary = 'Print the digest of an image or index.'
  static override readonly examples = [
    {
      description: 'What a tag names now:',
      command: '<%= config.bin %> <%= command.id %> registry.example/team/app:v1',
    },
    {
      description: 'The image of one platform:',
      command: '<%= config.bin %> <%= command.id %> registry.example/team/app:v1 -p linux/arm64',
    },
  ]
  static override readonly args = {image: imageArg}
  static override readonly flags = {platform: platformFlag()}

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Digest)
    const request = {reference: parseReference(args.image), platform: flags.platform}
    return this.perform(
      flags,
      async (ports) => describeRaw(request.reference, await readManifest(request, ports)),
      {line: ({digest}) => digest},
    )
  }
}
