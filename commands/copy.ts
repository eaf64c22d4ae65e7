import {Args, Flags, type Interfaces} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {tagFlags} from '../src/cli/flags/common.js'
import {platformChoice, platformsFlag} from '../src/cli/flags/platform.js'
import {presentCopy} from '../src/cli/render/copy.js'
import {uploadFlags} from '../src/cli/flags/upload.js'
import {parseReference, parseTag} from '../src/oci/names/reference.js'
import {copy, type CopyOptions} from '../src/operations/copy/copy.js'

const places =
  'REGISTRY/REPOSITORY[:TAG][@DIGEST], oci:DIR[:TAG], oci-archive:FILE[:TAG] or docker-archive:FILE[:NAME:TAG]'

export default class Copy extends BaseCommand {
  static override readonly summary =
    'Copy an image, or an index with all its images, byte for byte.'
  static override readonly description =
    'Digests and signatures stay valid. Content that the target already has is not sent, and content of another repository of the same registry is mounted. After an interruption, run the same command again to resume.'
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
  static override readonly flags = {
    platform: platformsFlag({
      summary: 'Images of an index to copy; repeatable (default: the whole index).',
    }),
    tag: Flags.string({
      char: 't',
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'TAG',
      summary: 'Additional tag for the copy; repeatable.',
      parse: (text) => Promise.resolve(parseTag(text)),
    }),
    'all-tags': Flags.boolean({
      summary: 'Copy every tag of SOURCE.',
    }),
    referrers: Flags.boolean({
      summary: 'Also copy signatures and other content that refers to the image.',
    }),
    'dry-run': tagFlags['dry-run'],
    'no-clobber': tagFlags['no-clobber'],
    digestfile: tagFlags.digestfile,
    'chunk-size': uploadFlags['chunk-size'],
  }

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Copy)
    const request = Copy.request(args, flags)
    return this.perform(flags, (ports) => copy(request, ports), presentCopy(flags.digestfile))
  }

  /** The arguments and flags as the request of the operation. */
  static request(
    args: {source: string; target: string},
    flags: Interfaces.InferredFlags<typeof Copy.flags>,
  ): CopyOptions {
    return {
      source: parseReference(args.source),
      target: parseReference(args.target),
      tags: flags.tag ?? [],
      platforms: platformChoice(flags.platform),
      allTags: flags['all-tags'],
      referrers: flags.referrers,
      noClobber: flags['no-clobber'],
      dryRun: flags['dry-run'],
      chunkSize: flags['chunk-size'],
    }
  }
}
