import {Args} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {imageArg, strictFlag} from '../src/cli/flags/common.js'
import {platformFlag} from '../src/cli/flags/platform.js'
import {partFlags, readFlags, treeRequest} from '../src/cli/flags/tree.js'
import {contentOutput} from '../src/cli/terminal/content-output.js'
import {readFile} from '../src/operations/browse/read-file.js'

export default class Cat extends BaseCommand {
  static override readonly summary = 'Print one file of a slot, or of a whole image.'
  static override readonly description =
    'Nothing is printed before the layer is verified. Symbolic links are followed inside the image.'
  static override readonly examples = [
    {
      description: 'A file of the slot:',
      command: '<%= config.bin %> <%= command.id %> registry.example/team/app:v1 cvmfs/etc/config',
    },
    {
      description: 'A file of the whole image:',
      command: '<%= config.bin %> <%= command.id %> oci:layout:v1 /etc/os-release --all',
    },
  ]
  static override readonly args = {
    image: imageArg,
    path: Args.string({
      ignoreStdin: true,
      required: true,
      description: "File, seen from the slot's directory; with --all from the image's root.",
    }),
  }
  static override readonly flags = {
    ...partFlags,
    platform: platformFlag(),
    ...readFlags,
    ...strictFlag,
  }

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Cat)
    const request = {
      ...treeRequest(args.image, flags),
      path: args.path,
      write: contentOutput(process.stdout, this.jsonEnabled()),
    }
    return this.perform(flags, (ports) => readFile(request, ports), {line: () => undefined})
  }
}
