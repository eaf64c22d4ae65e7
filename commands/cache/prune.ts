import {Args, Flags} from '@oclif/core'
import {BaseCommand} from '../../src/cli/base-command.js'
import {cacheFolder} from '../../src/cli/flags/targets.js'
import {commonFlags, sizeFlag} from '../../src/cli/flags/common.js'
import {shownCachePrune} from '../../src/cli/render/save.js'
import {pruneCache} from '../../src/operations/maintain/prune-cache.js'

export default class CachePrune extends BaseCommand {
  static override readonly summary = 'Remove from a cache of blobs what was not used for longest.'
  static override readonly description =
    'Of the folder that inject save --cache-dir keeps. Works while others use it; what was saved from it stays, and so does its space on the disk where it is the same file.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> ~/.cache/images --max-size 20G',
  ]
  // there is no registry to log in to
  static override readonly baseFlags = commonFlags as typeof BaseCommand.baseFlags
  static override readonly args = {
    directory: Args.string({
      ignoreStdin: true, // oclif would take a piped text for it
      description: 'The cache (default: INJECT_CACHE).',
    }),
  }
  static override readonly flags = {
    'max-size': sizeFlag({required: true, summary: 'Bytes that may stay, as in 20G.'}),
    'dry-run': Flags.boolean({default: false, summary: 'Say what would go, and remove nothing.'}),
  }

  async run(): Promise<object> {
    const {args, flags} = await this.parse(CachePrune)
    const directory = cacheFolder(args.directory, process.env)
    const options = {directory, maxBytes: flags['max-size'], dryRun: flags['dry-run']}
    return this.perform(flags, (ports) => pruneCache(options, ports), shownCachePrune)
  }
}
