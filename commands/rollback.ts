import {Args, type Interfaces} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {imageArg, resultFlags, strictFlag} from '../src/cli/flags/common.js'
import {keepFlags, keepRequest} from '../src/cli/flags/run.js'
import {presentRollback} from '../src/cli/render/follow/rollback.js'
import {parseReference} from '../src/oci/names/reference.js'
import {parseHistoryPoint} from '../src/operations/follow/history-point.js'
import {rollback, type RollbackRequest} from '../src/operations/rollback.js'

export default class Rollback extends BaseCommand {
  static override readonly summary = 'Make a tag name an earlier state of itself again.'
  static override readonly description =
    'Moves the tag back along the links that inject history shows, to exactly the manifest that it named: nothing is packed or sent. The tag moves only if nobody else has moved it meanwhile. To undo a rollback, name the digest that it replaced.'
  static override readonly examples = [
    {
      description: 'Go back by one update:',
      command: '<%= config.bin %> <%= command.id %> registry.example/team/app:v1-data',
    },
    {
      description: 'Go back to what was there on a day:',
      command:
        '<%= config.bin %> <%= command.id %> registry.example/team/app:v1-data 2026-01-31T12:00:00Z',
    },
    {
      description: 'Go back by three updates, and keep what the tag names now:',
      command: '<%= config.bin %> <%= command.id %> registry.example/team/app:v1-data 3 --keep 5',
    },
  ]
  static override readonly args = {
    image: imageArg,
    state: Args.string({
      ignoreStdin: true,
      default: '1',
      description:
        'N updates back, a DIGEST from the history, or a TIME: the newest content up to then.',
    }),
  }
  static override readonly flags = {
    tag: resultFlags.tag,
    'dry-run': resultFlags['dry-run'],
    ...keepFlags,
    ...strictFlag,
  }

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Rollback)
    const request = Rollback.request(args, flags)
    return this.perform(flags, (ports) => rollback(request, ports), presentRollback)
  }

  /** The arguments and flags as the request of the operation. */
  static request(
    args: {image: string; state: string},
    flags: Interfaces.InferredFlags<typeof Rollback.flags>,
  ): RollbackRequest {
    const {tag: tags = [], 'dry-run': dryRun} = flags
    const to = parseHistoryPoint(args.state)
    return {reference: parseReference(args.image), to, tags, keep: keepRequest(flags), dryRun}
  }
}
