import {Args} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {imageArg} from '../src/cli/flags/common.js'
import {platformFlag} from '../src/cli/flags/platform.js'
import {shownSettings} from '../src/cli/project/show-settings.js'
import {contentOutput} from '../src/cli/terminal/content-output.js'
import {parseReference} from '../src/oci/names/reference.js'
import {describeRaw, readConfig} from '../src/operations/browse/read-raw.js'

export default class Config extends BaseCommand {
  static override readonly summary =
    'Print the config of an image, byte for byte; without IMAGE, the defaults of flags here.'
  static override readonly description =
    'Without IMAGE: what holds in this folder for flags that are not given, and where each value is from: the environment, the project file (inject.yaml, or the member "inject" of package.json), or inject itself.'
  static override readonly examples = [
    {
      description: 'The labels:',
      command:
        "<%= config.bin %> <%= command.id %> registry.example/team/app:v1 -p linux/amd64 | jq '.config.Labels'",
    },
    {
      description: 'What the project file says, and what holds besides:',
      command: '<%= config.bin %> <%= command.id %>',
    },
  ]
  static override readonly args = {
    image: Args.string({
      ignoreStdin: true, // oclif would take a piped text for it
      description: `${imageArg.description ?? ''} Default: show the defaults of flags.`,
    }),
  }
  static override readonly flags = {platform: platformFlag()}

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Config)
    if (args.image === undefined) {
      return this.perform(flags, () => this.settings(), shownSettings)
    }
    const request = {reference: parseReference(args.image), platform: flags.platform}
    const write = contentOutput(process.stdout, this.jsonEnabled())
    return this.perform(
      flags,
      async (ports) => {
        const document = await readConfig(request, ports)
        await write(document.bytes)
        return describeRaw(request.reference, document)
      },
      {line: () => undefined},
    )
  }
}
