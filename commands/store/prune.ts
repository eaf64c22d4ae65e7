import {Flags} from '@oclif/core'
import {BaseCommand} from '../../src/cli/base-command.js'
import {commonFlags} from '../../src/cli/flags/common.js'
import {shownPrune} from '../../src/cli/render/store.js'
import {duration, removalFlags, rootArg, tagPattern} from '../../src/cli/flags/store.js'
import {pruneRoot} from '../../src/operations/maintain/prune-store.js'

export default class StorePrune extends BaseCommand {
  static override readonly summary =
    'Remove old tags from a served folder, and content that only they referred to.'
  static override readonly description =
    'Removes a tag that is older than --older-than and not among the --keep-last newest of its repository; one of the two flags is enough. Content of a remaining index or referrer stays. Safe while inject serve runs.'
  static override readonly examples = [
    {
      description: 'Show which old tags would go:',
      command:
        '<%= config.bin %> <%= command.id %> ./registry --older-than 30d --keep-last 3 --keep-tags "v*" --dry-run',
    },
    {
      description: 'Remove all untagged content:',
      command: '<%= config.bin %> <%= command.id %> ./registry --untagged',
    },
  ]
  // there is no registry to log in to
  static override readonly baseFlags = commonFlags as typeof BaseCommand.baseFlags
  static override readonly args = {root: rootArg}
  static override readonly flags = {
    'older-than': duration({summary: 'Remove tags pushed longer ago than this, such as 30d.'}),
    'keep-last': Flags.integer({
      min: 0,
      helpValue: 'N',
      summary: 'Keep this many of the newest tags of every repository.',
    }),
    'keep-tags': tagPattern({
      multiple: true,
      multipleNonGreedy: true,
      summary: 'Always keep tags that match, with * for any characters; repeatable.',
    }),
    untagged: Flags.boolean({default: false, summary: 'Also remove untagged content.'}),
    ...removalFlags,
  }

  async run(): Promise<object> {
    const {args, flags} = await this.parse(StorePrune)
    const options = {
      root: args.root,
      graceMs: flags.grace,
      dryRun: flags['dry-run'],
      olderThanMs: flags['older-than'],
      keepLast: flags['keep-last'],
      keepTags: flags['keep-tags'] ?? [],
      untagged: flags.untagged,
    }
    return this.perform(flags, (ports) => pruneRoot(options, ports), shownPrune)
  }
}
