import {Args, Flags} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {imageArg, tagFlags} from '../src/cli/flags/common.js'
import {platformChoice, platformsFlag} from '../src/cli/flags/platform.js'
import {presentPublication} from '../src/cli/render/site.js'
import {parseReference, parseTag} from '../src/oci/names/reference.js'
import {publishSite} from '../src/operations/site/publish-site.js'

export default class Publish extends BaseCommand {
  static override readonly summary =
    'Put an image into a folder that a web server serves as a registry.'
  static override readonly description =
    'The folder is a read-only registry of files. Served with the nginx.conf, apache.conf or _headers in it, docker, podman and skopeo can pull from it. Safe while clients read and other jobs publish.'
  static override readonly examples = [
    {
      description: 'Publish an image under its own name:',
      command: '<%= config.bin %> <%= command.id %> registry.example/team/app:v1 /srv/site',
    },
    {
      description: 'Publish an image on disk under two tags:',
      command:
        '<%= config.bin %> <%= command.id %> oci:layout:v1 /srv/site --repository team/app --tag v1 --tag stable',
    },
    {
      description: 'Publish one platform:',
      command:
        '<%= config.bin %> <%= command.id %> registry.example/team/app:v1 /srv/site --platform linux/amd64',
    },
  ]
  static override readonly args = {
    image: imageArg,
    site: Args.string({
      ignoreStdin: true, // oclif would take a piped text for it
      required: true,
      description: 'The folder; created if missing.',
    }),
  }
  static override readonly flags = {
    repository: Flags.string({
      aliases: ['name'],
      helpValue: 'NAME',
      summary: 'Repository in the site, such as team/app (default: the one of IMAGE).',
    }),
    tag: Flags.string({
      char: 't',
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'TAG',
      summary: 'Tag in the site; repeatable (default: the one of IMAGE).',
      parse: (text) => Promise.resolve(parseTag(text)),
    }),
    platform: platformsFlag({
      summary: 'Images of an index to publish; repeatable (default: the whole index).',
    }),
    referrers: Flags.boolean({
      summary: 'Also publish signatures and other content that refers to the image.',
    }),
    digestfile: tagFlags.digestfile,
  }

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Publish)
    const options = {
      source: parseReference(args.image),
      site: args.site,
      name: flags.repository,
      tags: flags.tag ?? [],
      platforms: platformChoice(flags.platform),
      referrers: flags.referrers,
    }
    const present = presentPublication(flags.digestfile)
    return this.perform(flags, (ports) => publishSite(options, ports), present)
  }
}
