import {BaseCommand} from '../../src/cli/base-command.js'
import {commonFlags} from '../../src/cli/flags/common.js'
import {shownCollection} from '../../src/cli/render/store.js'
import {removalFlags, rootArg} from '../../src/cli/flags/store.js'
import {collectRoot} from '../../src/operations/maintain/collect-garbage.js'

export default class StoreGc extends BaseCommand {
  static override readonly summary = 'Remove unreferenced content from a served folder.'
  static override readonly description =
    'Safe while inject serve runs. Manifests stay, even untagged ones, unless their subject is gone; inject store prune removes more.'
  static override readonly examples = [
    {
      description: 'Show what would be removed:',
      command: '<%= config.bin %> <%= command.id %> ./registry --dry-run',
    },
    {
      description: 'Remove what was not used for ten minutes:',
      command: '<%= config.bin %> <%= command.id %> ./registry --grace 10m',
    },
  ]
  // there is no registry to log in to
  static override readonly baseFlags = commonFlags as typeof BaseCommand.baseFlags
  static override readonly args = {root: rootArg}
  static override readonly flags = removalFlags

  async run(): Promise<object> {
    const {args, flags} = await this.parse(StoreGc)
    const options = {root: args.root, graceMs: flags.grace, dryRun: flags['dry-run']}
    return this.perform(flags, (ports) => collectRoot(options, ports), shownCollection)
  }
}
