import {Args, Flags} from '@oclif/core'
import {BaseCommand} from '../../src/cli/base-command.js'
import {cacheFolder} from '../../src/cli/flags/targets.js'
import {commonFlags, sizeFlag} from '../../src/cli/flags/common.js'
import {shownCachePrune} from '../../src/cli/render/save.js'
import {pruneCache} from '../../src/operations/maintain/prune-cache.js'

export default class CachePrune extends BaseCommand {
  static override readonly summary = 'Remove the least recently used blobs from a cache.'
  static override readonly description =
    'For the folder of inject save --cache-dir. Safe while other commands use it. Saved images stay; where they share a file with the cache, removing it there frees no space.'
  static override readonly examples = [
    {
      description: 'Keep 20 GB:',
      command: '<%= config.bin %> <%= command.id %> ~/.cache/images --max-size 20G',
    },
    {
      description: 'Show what would be removed:',
      command: '<%= config.bin %> <%= command.id %> ~/.cache/images --max-size 0 --dry-run',
    },
  ]
  // there is no registry to log in to
  static override readonly baseFlags = commonFlags as typeof BaseCommand.baseFlags
  static override readonly args = {
    directory: Args.string({
      ignoreStdin: true, // oclif would take a piped text for it
      description: 'The cache folder (default: INJECT_CACHE).',
    }),
  }
  static override readonly flags = {
    'max-size': sizeFlag({required: true, summary: 'Size to shrink the cache to, such as 20G.'}),
    'dry-run': Flags.boolean({default: false, summary: 'Show what would be removed.'}),
  }

  async run(): Promise<object> {
    const {args, flags} = await this.parse(CachePrune)
    const directory = cacheFolder(args.directory, process.env)
    const options = {directory, maxBytes: flags['max-size'], dryRun: flags['dry-run']}
    return this.perform(flags, (ports) => pruneCache(options, ports), shownCachePrune)
  }
}
