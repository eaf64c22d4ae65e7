import {Flags} from '@oclif/core'
import {BaseCommand} from '../../src/cli/base-command.js'
import {commonFlags} from '../../src/cli/flags/common.js'
import {shownPrune} from '../../src/cli/render/store.js'
import {duration, removalFlags, rootArg, tagPattern} from '../../src/cli/flags/store.js'
import {pruneRoot} from '../../src/operations/maintain/prune-store.js'

export default class StorePrune extends BaseCommand {
  static override readonly summary = 'Remove old tags, and what nothing refers to then.'
  static override readonly description =
    'A tag goes when it is older than --older-than and not among the --keep-last newest of its repository; given one of the two, that alone decides. What an index or a referrer that stays names stays. Works while inject serve serves the folder.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> ./registry --older-than 30d --keep-last 3 --keep-tags "v*" --dry-run',
    '<%= config.bin %> <%= command.id %> ./registry --untagged',
  ]
  // there is no registry to log in to
  static override readonly baseFlags = commonFlags as typeof BaseCommand.baseFlags
  static override readonly args = {root: rootArg}
  static override readonly flags = {
    'older-than': duration({summary: 'Tags pushed longer ago go, as in 30d.'}),
    'keep-last': Flags.integer({
      min: 0,
      helpValue: 'N',
      summary: "This many of every repository's newest tags stay.",
    }),
    'keep-tags': tagPattern({
      multiple: true,
      multipleNonGreedy: true,
      summary: 'Tags that stay in any case, with * for any characters; repeatable.',
    }),
    untagged: Flags.boolean({default: false, summary: 'Manifests without a tag go, too.'}),
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
