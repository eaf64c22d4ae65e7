import {Flags} from '@oclif/core'
import {BaseCommand} from '../../src/cli/base-command.js'
import {shownCheck} from '../../src/cli/render/store.js'
import {rootArg} from '../../src/cli/flags/store.js'
import {parseReference} from '../../src/oci/names/reference.js'
import {checkRoot} from '../../src/operations/maintain/check-store.js'

export default class StoreCheck extends BaseCommand {
  static override readonly summary = 'Check a served folder, and repair it on request.'
  static override readonly description =
    'Verifies the digest of every blob, the form of every layout, and that no image lacks a part. Exits with 6 if problems remain. Safe while inject serve runs.'
  static override readonly examples = [
    {
      description: 'Check:',
      command: '<%= config.bin %> <%= command.id %> ./registry',
    },
    {
      description: 'Rebuild a damaged index.json:',
      command: '<%= config.bin %> <%= command.id %> ./registry --repair',
    },
    {
      description: 'Check, and repair from another registry:',
      command:
        '<%= config.bin %> <%= command.id %> ./registry --repair-from registry.example/team/app',
    },
  ]
  static override readonly args = {root: rootArg}
  static override readonly flags = {
    repair: Flags.boolean({
      summary: 'Rebuild index.json and oci-layout from the stored blobs if they are damaged.',
    }),
    'repair-from': Flags.string({
      helpValue: 'REGISTRY/REPOSITORY',
      summary:
        'Fetch corrupt or missing content from here, by digest (also oci:DIR); implies --repair.',
    }),
  }

  async run(): Promise<object> {
    const {args, flags} = await this.parse(StoreCheck)
    const from = flags['repair-from']
    const repairFrom = from === undefined ? undefined : parseReference(from)
    return this.perform(
      flags,
      async (ports) => {
        const result = await checkRoot({root: args.root, repairFrom, repair: flags.repair}, ports)
        // the report is the result: no error takes its place
        if (!result.sound) process.exitCode = 6
        return result
      },
      shownCheck,
    )
  }
}
