import {Args, Flags} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {imageArg} from '../src/cli/flags/common.js'
import {presentCopy} from '../src/cli/render/copy.js'
import {parseReference, parseTag, repositoryName} from '../src/oci/names/reference.js'
import {copy} from '../src/operations/copy/copy.js'

export default class Tag extends BaseCommand {
  static override readonly summary = 'Give an image or index another tag.'
  static override readonly description =
    'No content is read or sent but the manifest. If a tag is moved by another client meanwhile, the command fails with exit code 7.'
  static override readonly examples = [
    {
      description: 'Release what was tested:',
      command: '<%= config.bin %> <%= command.id %> registry.example/team/app@sha256:… v1 latest',
    },
    {
      description: 'Only if the tag is free:',
      command: '<%= config.bin %> <%= command.id %> registry.example/team/app:v1 v1.0 --no-clobber',
    },
  ]
  static override readonly strict = false
  static override readonly args = {
    image: imageArg,
    tag: Args.string({
      ignoreStdin: true,
      required: true,
      multiple: true,
      description: 'The new tags, in the repository of IMAGE.',
    }),
  }
  static override readonly flags = {
    'dry-run': Flags.boolean({summary: 'Show what would be done, and change nothing.'}),
    'no-clobber': Flags.boolean({summary: 'Fail with exit code 7 instead of overwriting a tag.'}),
  }

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Tag)
    const source = parseReference(args.image)
    const request = {
      source,
      target: parseReference(repositoryName(source)),
      tags: args.tag.map((tag) => parseTag(tag)),
      ...{allTags: false, referrers: false},
      ...{noClobber: flags['no-clobber'], dryRun: flags['dry-run']},
    }
    return this.perform(flags, (ports) => copy(request, ports), presentCopy(undefined))
  }
}
