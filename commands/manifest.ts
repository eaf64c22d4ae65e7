import {BaseCommand} from '../src/cli/base-command.js'
import {imageArg} from '../src/cli/flags/common.js'
import {platformFlag} from '../src/cli/flags/platform.js'
import {contentOutput} from '../src/cli/terminal/content-output.js'
import {parseReference} from '../src/oci/names/reference.js'
import {describeRaw, readManifest} from '../src/operations/browse/read-raw.js'

export default class Manifest extends BaseCommand {
  static override readonly summary = 'Print the manifest or index of an image, byte for byte.'
  static override readonly examples = [
    {
      description: 'The layers and their sizes:',
      command:
        "<%= config.bin %> <%= command.id %> registry.example/team/app:v1 -p linux/amd64 | jq '.layers'",
    },
    {
      description: 'The platforms of an index:',
      command:
        "<%= config.bin %> <%= command.id %> registry.example/team/app:v1 | jq '.manifests[].platform'",
    },
  ]
  static override readonly args = {image: imageArg}
  static override readonly flags = {platform: platformFlag()}

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Manifest)
    const request = {reference: parseReference(args.image), platform: flags.platform}
    const write = contentOutput(process.stdout, this.jsonEnabled())
    return this.perform(
      flags,
      async (ports) => {
        const document = await readManifest(request, ports)
        await write(document.bytes)
        return describeRaw(request.reference, document)
      },
      {line: () => undefined},
    )
  }
}
