import {Flags, type Interfaces} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {imageArg, slotName, strictFlag, tagFlags, tagOptions} from '../src/cli/flags/common.js'
import {presentRemoval} from '../src/cli/render/removal.js'
import {parseReference} from '../src/oci/reference.js'
import {remove} from '../src/operations/remove.js'
import {withTarget} from '../src/operations/copy/with-target.js'

export default class Remove extends BaseCommand {
  static override readonly summary = 'Take a slot out of an image again.'
  static override readonly description =
    'With the last slot gone the result is the very image that was there before, same digest, where that is still in the repository: signatures of it hold again. Where it is not, it is an equivalent image, and that is said.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> registry.example/team/app:v1-data --tag v1',
    '<%= config.bin %> <%= command.id %> registry.example/team/app:v1 --name models --dry-run',
  ]
  static override readonly args = {image: imageArg}
  static override readonly flags = {
    name: slotName(),
    ...strictFlag,
    ...tagFlags,
    base: Flags.string({
      helpValue: 'TAG|DIGEST',
      summary: 'What the image was before, in the same repository, if it does not remember it.',
    }),
  }

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Remove)
    const request = Remove.request(args, flags)
    return this.perform(
      flags,
      (ports) => withTarget(remove, request, ports),
      presentRemoval(flags.digestfile),
    )
  }

  /** What arguments and flags ask for, as the operation takes it. */
  static request(args: {image: string}, flags: Interfaces.InferredFlags<typeof Remove.flags>) {
    const {name, base} = flags
    return {reference: parseReference(args.image), name, base, ...tagOptions(flags)}
  }
}
