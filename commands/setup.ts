import type {Interfaces} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {
  imageArg,
  imageRequest,
  publishFlags,
  resultRequest,
  slotName,
  strictFlag,
  slotPath,
} from '../src/cli/flags/common.js'
import {formatFlags, formatOptions} from '../src/cli/flags/content/format.js'
import {layerPorts} from '../src/cli/ports/pack-ports.js'
import {presentInjection} from '../src/cli/render/injection.js'
import {defaultSlotName} from '../src/oci/annotation.js'
import {setup, type SetupRequest} from '../src/operations/setup.js'

export default class Setup extends BaseCommand {
  static override readonly summary =
    'Add the slot: a small labelled layer that later updates replace.'
  static override readonly description =
    'Does nothing if the image has the slot. inject update adds the slot by itself, so this is only needed to prepare an image before there is content for it.'
  static override readonly examples = [
    {
      description: 'Add the default slot, and move the tag:',
      command: '<%= config.bin %> <%= command.id %> registry.example/team/app:v1',
    },
    {
      description: 'Add a slot with its own name and place, under a new tag:',
      command:
        '<%= config.bin %> <%= command.id %> registry.example/team/app:v1 --name models --path /opt/models --tag v1-models',
    },
    {
      description: 'Prepare every platform of an index:',
      command: '<%= config.bin %> <%= command.id %> registry.example/team/app:v1 --platform all',
    },
  ]
  static override readonly args = {
    image: imageArg,
  }
  static override readonly flags = {
    ...publishFlags,
    path: slotPath(),
    name: slotName({default: defaultSlotName, summary: 'Name of the slot.'}),
    ...strictFlag,
    ...formatFlags,
  }

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Setup)
    const request = Setup.request(args, flags)
    const remembered = layerPorts(process.env)
    return this.perform(
      flags,
      (ports) => setup(request, {...ports, ...remembered}),
      presentInjection(flags.digestfile),
    )
  }

  /** The arguments and flags as the request of the operation. */
  static request(
    args: {image: string},
    flags: Interfaces.InferredFlags<typeof Setup.flags>,
  ): SetupRequest {
    const {path, created, 'base-annotations': baseAnnotations} = flags
    const image = imageRequest(args.image, flags)
    const layer = {path, created, baseAnnotations, ...formatOptions(flags)}
    return {image, layer, ...resultRequest(flags)}
  }
}
