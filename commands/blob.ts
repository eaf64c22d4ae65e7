import {Args} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {imageArg} from '../src/cli/flags/common.js'
import {contentOutput} from '../src/cli/terminal/content-output.js'
import {parseReference} from '../src/oci/names/reference.js'
import {parseDigest, readBlob} from '../src/operations/browse/read-raw.js'

export default class Blob extends BaseCommand {
  static override readonly summary = 'Print a blob of a repository, as it is stored.'
  static override readonly description =
    'The content is checked against its digest while it is printed: use it only if the command succeeds.'
  static override readonly examples = [
    {
      description: 'A layer as a file:',
      command:
        '<%= config.bin %> <%= command.id %> registry.example/team/app sha256:… > layer.tar.gz',
    },
  ]
  static override readonly args = {
    image: imageArg,
    digest: Args.string({ignoreStdin: true, required: true, description: 'Digest of the blob.'}),
  }

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Blob)
    const request = {
      reference: parseReference(args.image),
      digest: parseDigest(args.digest),
      write: contentOutput(process.stdout, this.jsonEnabled()),
    }
    return this.perform(flags, (ports) => readBlob(request, ports), {line: () => undefined})
  }
}
