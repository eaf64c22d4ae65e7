import {Args, Flags} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {imageArg, strictFlag} from '../src/cli/flags/common.js'
import {platformFlag} from '../src/cli/flags/platform.js'
import {partFlags, readFlags, treeRequest} from '../src/cli/flags/tree.js'
import {fileLine} from '../src/cli/render/files.js'
import {listFiles} from '../src/operations/browse/list-files.js'
import {splitPath} from '../src/operations/compare/side.js'

export default class Ls extends BaseCommand {
  static override readonly summary = 'List the files of a slot, or of a whole image.'
  static override readonly description =
    'Nothing is unpacked. Symbolic links on the way to PATH are followed inside the image.'
  static override readonly usage = 'ls IMAGE[:PATH] [FLAGS]'
  static override readonly examples = [
    {
      description: "What is in the slot's directory:",
      command: '<%= config.bin %> <%= command.id %> registry.example/team/app:v1',
    },
    {
      description: 'Everything below a directory of the whole image, with sizes and modes:',
      command:
        '<%= config.bin %> <%= command.id %> registry.example/team/app:v1:/etc/ssl --all --long --recursive',
    },
  ]
  static override readonly args = {
    image: imageArg,
    path: Args.string({ignoreStdin: true, description: 'Directory or file (default: the root).'}),
  }
  static override readonly flags = {
    ...partFlags,
    platform: platformFlag(),
    long: Flags.boolean({char: 'l', summary: 'Show mode, owner, size and time of each file.'}),
    recursive: Flags.boolean({char: 'R', summary: 'List all that is below the directory.'}),
    ...readFlags,
    ...strictFlag,
  }

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Ls)
    const {image, path = args.path ?? '/'} = splitPath(args.image)
    const request = {
      ...treeRequest(image, flags),
      ...{path, recursive: flags.recursive},
      onFile: this.jsonEnabled() ? undefined : fileLine(flags.long, (line) => this.log(line)),
    }
    return this.perform(flags, (ports) => listFiles(request, ports), {line: () => undefined})
  }
}
