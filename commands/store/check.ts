import {Flags} from '@oclif/core'
import {BaseCommand} from '../../src/cli/base-command.js'
import {shownCheck} from '../../src/cli/render/store.js'
import {rootArg} from '../../src/cli/flags/store.js'
import {parseReference} from '../../src/oci/reference.js'
import {checkRoot} from '../../src/operations/maintain/check-store.js'

export default class StoreCheck extends BaseCommand {
  static override readonly summary = 'Read a folder of repositories again, and say what is wrong.'
  static override readonly description =
    'Compares every blob with its name, every layout with its specification and every image with its parts. Ends with 6 when something is wrong and was not repaired. Works while inject serve serves the folder.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> ./registry',
    '<%= config.bin %> <%= command.id %> ./registry --repair-from registry.example/team/app',
  ]
  static override readonly args = {root: rootArg}
  static override readonly flags = {
    'repair-from': Flags.string({
      helpValue: 'REGISTRY/REPOSITORY',
      summary: 'Fetch what is corrupt or missing from there, by its digest (also oci:DIR).',
    }),
  }

  async run(): Promise<object> {
    const {args, flags} = await this.parse(StoreCheck)
    const from = flags['repair-from']
    const repairFrom = from === undefined ? undefined : parseReference(from)
    return this.perform(
      flags,
      async (ports) => {
        const result = await checkRoot({root: args.root, repairFrom}, ports)
        // the report is the result: no error takes its place
        if (!result.sound) process.exitCode = 6
        return result
      },
      shownCheck,
    )
  }
}
