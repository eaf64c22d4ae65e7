import type {Interfaces} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {
  imageArg,
  publishFlags,
  tagOptions,
  slotName,
  strictFlag,
  slotPath,
} from '../src/cli/flags/common.js'
import {formatFlags, formatOptions} from '../src/cli/flags/format.js'
import {layerIndexes} from '../src/cli/ports/pack-ports.js'
import {presentInjection} from '../src/cli/render/injection.js'
import {defaultSlotName} from '../src/oci/annotation.js'
import {parseReference} from '../src/oci/reference.js'
import {setup} from '../src/operations/setup.js'
import {withTarget} from '../src/operations/copy/with-target.js'

export default class Setup extends BaseCommand {
  static override readonly summary =
    'Add the slot: a small labelled layer that later updates replace.'
  static override readonly description =
    'An image that has the slot stays as it is. An update sets up by itself, so this is only needed to prepare an image before there is anything to put into it.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> registry.example/team/app:v1',
    '<%= config.bin %> <%= command.id %> registry.example/team/app:v1 --name models --path /opt/models --tag v1-models',
  ]
  static override readonly args = {
    image: imageArg,
  }
  static override readonly flags = {
    name: slotName({default: defaultSlotName, summary: 'Name of the slot.'}),
    ...strictFlag,
    path: slotPath(),
    ...publishFlags,
    ...formatFlags,
  }

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Setup)
    const request = Setup.request(args, flags)
    return this.perform(
      flags,
      (ports) => {
        const remembered = {layerIndexes: layerIndexes(process.env)}
        return withTarget(setup, request, {...ports, ...remembered})
      },
      presentInjection(flags.digestfile),
    )
  }

  /** What arguments and flags ask for, as the operation takes it. */
  static request(args: {image: string}, flags: Interfaces.InferredFlags<typeof Setup.flags>) {
    const {name, path, created} = flags
    const reference = parseReference(args.image)
    return {reference, name, path, created, ...tagOptions(flags), ...formatOptions(flags)}
  }
}
