import {Args, type Interfaces} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {directoryFlags, directoryOptions} from '../src/cli/flags/directory.js'
import {editFlags, editsOf} from '../src/cli/flags/edit.js'
import {
  imageArg,
  publishFlags,
  tagOptions,
  slotName,
  slotPath,
  strictFlag,
} from '../src/cli/flags/common.js'
import {formatFlags, formatOptions, layersFlag} from '../src/cli/flags/format.js'
import {packFlags, packOptions} from '../src/cli/flags/pack.js'
import {layerIndexes, packOutputs, packPorts, uploadJournals} from '../src/cli/ports/pack-ports.js'
import {presentInjection} from '../src/cli/render/injection.js'
import {uploadFlags} from '../src/cli/flags/upload.js'
import {parseReference} from '../src/oci/reference.js'
import {update} from '../src/operations/update.js'
import {withTarget} from '../src/operations/copy/with-target.js'

export default class Update extends BaseCommand {
  static override readonly summary =
    "Replace the slot's content with a directory (sets the slot up first if needed)."
  static override readonly description =
    'One layer, one config and one manifest are sent; the other layers are neither pulled nor pushed. With --layers auto the content is divided into several layers, of which only those are sent that changed. When the directory is what the slot holds already, nothing is sent and the image stays what it is.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> registry.example/team/app:v1 ./tree --tag v1-data',
    '<%= config.bin %> <%= command.id %> oci:layout:v1 ./models --name models --path /opt/models --dry-run',
  ]
  static override readonly args = {
    image: imageArg,
    directory: Args.string({
      ignoreStdin: true, // oclif would take a piped text for it
      required: true,
      description:
        "The new content; with path /, relative to the image's root. {os}, {arch} and {variant} in it stand for the platform of each image of an index.",
    }),
  }
  static override readonly flags = {
    name: slotName(),
    ...strictFlag,
    path: slotPath(),
    ...publishFlags,
    ...formatFlags,
    ...editFlags,
    ...packFlags,
    ...uploadFlags,
    layers: layersFlag(),
    ...directoryFlags,
  }

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Update)
    const outputs = packOutputs(flags, process.env)
    const request = {...Update.request(args, flags), outputs}
    return this.perform(
      flags,
      (ports) => {
        const packed = args.directory
        const packing = {
          ...packPorts(flags, process.env, ports),
          layerIndexes: layerIndexes(process.env, packed),
        }
        const withJournal = uploadJournals(flags, process.env, {...ports, packed})
        return withTarget(update, request, {...ports, ...packing, withJournal})
      },
      presentInjection(flags.digestfile),
    )
  }

  /** What arguments and flags ask for, as the operation takes it. */
  static request(
    args: {image: string; directory: string},
    flags: Interfaces.InferredFlags<typeof Update.flags>,
  ) {
    const {name, path, layers, created} = flags
    return {
      reference: parseReference(args.image),
      directory: args.directory,
      edits: editsOf(flags),
      ...{name, path, layers, created},
      ...directoryOptions(flags),
      ...tagOptions(flags),
      ...formatOptions(flags),
      ...packOptions(flags),
      chunkSize: flags['chunk-size'],
    }
  }
}
