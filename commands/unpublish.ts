import {Args, Flags} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {commonFlags} from '../src/cli/flags/common.js'
import {shownRemoval} from '../src/cli/render/site.js'
import {duration} from '../src/cli/flags/store.js'
import {unpublishSite} from '../src/operations/site/unpublish-site.js'

export default class Unpublish extends BaseCommand {
  static override readonly summary =
    'Remove a tag from a published site, and the content that only it referred to.'
  static override readonly description =
    'Content of another tag, index or referrer stays, as does content that other repositories of the site share. SITE --untagged cleans all repositories, and removes what killed publishers left.'
  static override readonly examples = [
    {
      description: 'Show what would be removed with a tag:',
      command: '<%= config.bin %> <%= command.id %> /srv/site/team/app:v1 --dry-run',
    },
    {
      description: 'Remove untagged content of one repository:',
      command: '<%= config.bin %> <%= command.id %> /srv/site/team/app --untagged --grace 1d',
    },
    {
      description: 'Clean the whole site:',
      command: '<%= config.bin %> <%= command.id %> /srv/site --untagged',
    },
  ]
  // there is no registry to log in to
  static override readonly baseFlags = commonFlags as typeof BaseCommand.baseFlags
  static override readonly args = {
    target: Args.string({
      ignoreStdin: true, // oclif would take a piped text for it
      required: true,
      description: 'SITE/NAME:TAG; with --untagged, SITE/NAME or SITE.',
    }),
  }
  static override readonly flags = {
    untagged: Flags.boolean({
      default: false,
      summary: 'Also remove untagged content.',
    }),
    grace: duration({
      summary: 'Keep content that was published within this time (default: 1h).',
    }),
    'dry-run': Flags.boolean({default: false, summary: 'Show what would be removed.'}),
  }

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Unpublish)
    const options = {
      target: args.target,
      untagged: flags.untagged,
      graceMs: flags.grace,
      dryRun: flags['dry-run'],
    }
    return this.perform(flags, (ports) => unpublishSite(options, ports), shownRemoval)
  }
}
