import type {Interfaces} from '@oclif/core'
import {tmpdir} from 'node:os'
import {BaseCommand} from '../src/cli/base-command.js'
import {imageArg, strictFlag} from '../src/cli/flags/common.js'
import {isDrawn, pictureFiles, pictureFlags} from '../src/cli/flags/picture.js'
import {platformFlag} from '../src/cli/flags/platform.js'
import {limitsOption} from '../src/cli/flags/tree.js'
import {renderInspect} from '../src/cli/render/inspect.js'
import {inspectDrawing, inspectPage, type SlotTrees} from '../src/cli/render/picture/inspect.js'
import {parseReference} from '../src/oci/names/reference.js'
import {allSlotSizes} from '../src/operations/browse/slot-sizes.js'
import {inspect} from '../src/operations/inspect.js'

export default class Inspect extends BaseCommand {
  static override readonly summary = 'Show the layers of an image with their sizes, and its slots.'
  static override readonly examples = [
    {
      description: 'Show layers and slots:',
      command: '<%= config.bin %> <%= command.id %> registry.example/team/app:v1',
    },
    {
      description: 'The same as JSON:',
      command: '<%= config.bin %> <%= command.id %> oci:layout:v1 --json',
    },
    {
      description: 'One image of an index:',
      command:
        '<%= config.bin %> <%= command.id %> registry.example/team/app:v1 --platform linux/arm64',
    },
    {
      description: 'A page with the layers to scale, and the files of the slots:',
      command: '<%= config.bin %> <%= command.id %> registry.example/team/app:v1 --html app.html',
    },
  ]
  static override readonly args = {
    image: imageArg,
  }

  static override readonly flags = {platform: platformFlag(), ...pictureFlags, ...strictFlag}

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Inspect)
    const request = Inspect.request(args, flags)
    let trees: SlotTrees = new Map()
    return this.perform(
      flags,
      async (ports) => {
        const result = await inspect(request, ports)
        if (isDrawn(flags) && 'layers' in result)
          trees = await allSlotSizes(
            result,
            {...request, limits: limitsOption({}), temporary: tmpdir()},
            ports,
          )
        return result
      },
      {
        line: renderInspect,
        files: pictureFiles<Awaited<ReturnType<typeof inspect>>>(flags, {
          html: (result) => inspectPage(result, trees),
          svg: (result) => inspectDrawing(result, trees),
        }),
      },
    )
  }

  /** The arguments and flags as the request of the operation. */
  static request(args: {image: string}, flags: Interfaces.InferredFlags<typeof Inspect.flags>) {
    return {reference: parseReference(args.image), platform: flags.platform}
  }
}
