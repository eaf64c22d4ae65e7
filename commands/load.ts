import {Args} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {loadFlags, loadRequest} from '../src/cli/flags/bundle.js'
import {shownReceipt} from '../src/cli/render/bundle.js'
import {loadBundle} from '../src/operations/bundle/load-bundle.js'

export default class Load extends BaseCommand {
  static override readonly summary = 'Load a bundle into a registry, layout or served folder.'
  static override readonly description =
    'Checks first that everything the bundle needs is there, and moves tags last. If an earlier bundle is missing, it is named, and nothing changes. After an interruption, run the same command again to resume. The receipt is on standard output; --json has all of it.'
  static override readonly examples = [
    {
      description: 'Load into a registry:',
      command: '<%= config.bin %> <%= command.id %> tuesday.tar registry.inside.example',
    },
    {
      description: 'Load into a served folder, with a receipt for the sender:',
      command: '<%= config.bin %> <%= command.id %> tuesday.tar ./registry --json > receipt.json',
    },
  ]
  static override readonly args = {
    file: Args.string({
      ignoreStdin: true, // oclif would take a piped text for it
      required: true,
      description: 'Bundle of inject save, or any other OCI archive.',
    }),
    to: Args.string({
      ignoreStdin: true,
      required: true,
      description:
        'HOST[:PORT][/PATH], oci:DIR, or the folder that inject serve serves, as ./DIR or /DIR.',
    }),
  }
  static override readonly flags = loadFlags

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Load)
    const request = loadRequest(args, flags)
    return this.perform(flags, (ports) => loadBundle(request, ports), shownReceipt)
  }
}
