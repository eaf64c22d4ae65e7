import {Args, Flags} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {imageArg, tagFlags} from '../src/cli/flags/common.js'
import {platformChoice, platformsFlag} from '../src/cli/flags/platform.js'
import {presentPublication} from '../src/cli/render/site.js'
import {parseReference, parseTag} from '../src/oci/reference.js'
import {publishSite} from '../src/operations/site/publish-site.js'

export default class Publish extends BaseCommand {
  static override readonly summary =
    'Put an image into a folder that a web server serves as a registry.'
  static override readonly description =
    'The folder is a read-only registry of files: with the nginx.conf, apache.conf or _headers in it, docker, podman and skopeo pull from it. Safe beside readers and other publishers.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> registry.example/team/app:v1 /srv/site',
    '<%= config.bin %> <%= command.id %> oci:layout:v1 /srv/site --repository team/app --tag v1 --tag stable',
  ]
  static override readonly args = {
    image: imageArg,
    site: Args.string({
      ignoreStdin: true, // oclif would take a piped text for it
      required: true,
      description: 'The folder; made where it is not there.',
    }),
  }
  static override readonly flags = {
    repository: Flags.string({
      aliases: ['name'],
      helpValue: 'NAME',
      summary: 'The repository in the site, as in team/app (default: that of IMAGE).',
    }),
    tag: Flags.string({
      char: 't',
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'TAG',
      summary: 'Tag in the site; repeatable (default: that of IMAGE).',
      parse: (text) => Promise.resolve(parseTag(text)),
    }),
    platform: platformsFlag({
      summary: 'Which images of an index; repeatable (default: the index with all of them).',
    }),
    referrers: Flags.boolean({
      summary: 'Signatures and whatever else refers to what is published, too.',
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
