import {Args, type Interfaces} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {copyFlags, copyRequest} from '../src/cli/flags/commands/copy.js'
import {copyAllRequest, refuseWithoutAll} from '../src/cli/flags/commands/copy-all.js'
import {reportOutputs} from '../src/cli/flags/commands/report.js'
import {presentCopy} from '../src/cli/render/copy.js'
import {reportFails} from '../src/fleet/report/outcome.js'
import {copy} from '../src/operations/copy/copy.js'

const places =
  'REGISTRY/REPOSITORY[:TAG][@DIGEST], oci:DIR[:TAG], oci-archive:FILE[:TAG] or docker-archive:FILE[:NAME:TAG]'

export default class Copy extends BaseCommand {
  static override readonly aliases = ['cp']
  static override readonly summary =
    'Copy an image, or an index with all its images, byte for byte.'
  static override readonly description =
    'Digests and signatures stay valid. With --all, SOURCE and TARGET are registries, HOST[:PORT][/PATH], and every repository and tag is copied; an image that fails does not stop the others. Content that the target already has is not sent, and content of another repository of the same registry is mounted. After an interruption, run the same command again to resume.'
  static override readonly examples = [
    {
      description: 'Copy between registries:',
      command:
        '<%= config.bin %> <%= command.id %> registry.example/team/app:v1 mirror.example/team/app',
    },
    {
      description: 'Write one platform to an archive:',
      command:
        '<%= config.bin %> <%= command.id %> registry.example/team/app:v1 oci-archive:app.tar --platform linux/arm64',
    },
    {
      description: 'Move everything to another registry:',
      command:
        '<%= config.bin %> <%= command.id %> --all registry.example mirror.example --referrers',
    },
    {
      description: 'Mirror a repository with its signatures:',
      command:
        '<%= config.bin %> <%= command.id %> registry.example/team/app mirror.example/team/app --all-tags --referrers',
    },
  ]
  static override readonly args = {
    source: Args.string({
      ignoreStdin: true,
      required: true,
      description: `${places}; or fast:DIR.`,
    }),
    target: Args.string({
      ignoreStdin: true, // oclif would take a piped text for it
      required: true,
      description:
        'The same, except fast:DIR. Without a tag, it gets the tag of SOURCE. An archive is replaced.',
    }),
  }
  static override readonly flags = copyFlags
  /** The arguments and flags as the request of the operation. */
  static readonly request = copyRequest

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Copy)
    if (flags.all) return this.copyAll(args, flags)
    refuseWithoutAll(flags)
    const request = copyRequest(args, flags)
    return this.perform(flags, (ports) => copy(request, ports), presentCopy(flags.digestfile))
  }

  /** With `--all`: the arguments are registries. */
  private copyAll(
    {source, target}: {source: string; target: string},
    flags: Interfaces.InferredFlags<typeof copyFlags> & Parameters<typeof this.perform>[0],
  ): Promise<object> {
    const request = copyAllRequest(source, target, flags)
    return this.perform(
      flags,
      async (ports) => {
        const {copyAll} = await import('../src/operations/copy-all/copy-all.js')
        const report = await copyAll(request, ports)
        if (reportFails(report)) process.exitCode = 1
        return report
      },
      {
        line: () => undefined,
        ...reportOutputs(flags.report),
      },
    )
  }
}
