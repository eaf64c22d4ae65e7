import {Args, Flags} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {commonFlags} from '../src/cli/flags/common.js'
import {shownRemoval} from '../src/cli/render/site.js'
import {duration} from '../src/cli/flags/store.js'
import {unpublishSite} from '../src/operations/site/unpublish-site.js'

export default class Unpublish extends BaseCommand {
  static override readonly summary =
    'Remove a tag from a published site, and what nothing refers to then.'
  static override readonly description =
    'What another tag, an index or a referrer names stays. Content that other repositories of the site have, too, stays on the disk for them. SITE --untagged goes through all of them, and clears what killed publishers left.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> /srv/site/team/app:v1 --dry-run',
    '<%= config.bin %> <%= command.id %> /srv/site/team/app --untagged --grace 1d',
    '<%= config.bin %> <%= command.id %> /srv/site --untagged',
  ]
  // there is no registry to log in to
  static override readonly baseFlags = commonFlags as typeof BaseCommand.baseFlags
  static override readonly args = {
    target: Args.string({
      ignoreStdin: true, // oclif would take a piped text for it
      required: true,
      description: 'SITE/NAME:TAG; SITE/NAME or SITE where --untagged says what goes.',
    }),
  }
  static override readonly flags = {
    untagged: Flags.boolean({
      default: false,
      summary: 'What no tag leads to goes, also manifests whose tag has moved on.',
    }),
    grace: duration({
      summary: 'What was published within this time stays (default: 1h; 0s: nothing does).',
    }),
    'dry-run': Flags.boolean({default: false, summary: 'Say what would go, and remove nothing.'}),
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
