import {BaseCommand} from '../../src/cli/base-command.js'
import {commonFlags} from '../../src/cli/flags/common.js'
import {shownCollection} from '../../src/cli/render/store.js'
import {removalFlags, rootArg} from '../../src/cli/flags/store.js'
import {collectRoot} from '../../src/operations/maintain/collect-garbage.js'

export default class StoreGc extends BaseCommand {
  static override readonly summary = 'Remove what nothing refers to from a folder of repositories.'
  static override readonly description =
    'Works while inject serve serves the folder. Manifests stay, also those without a tag, unless their subject is gone; inject store prune removes more.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> ./registry --dry-run',
    '<%= config.bin %> <%= command.id %> ./registry --grace 10m',
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
