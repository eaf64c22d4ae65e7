import {Flags, type Interfaces} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {attestFlags, withAttestValue} from '../src/cli/flags/attest.js'
import {directoryFlags, directoryOptions} from '../src/cli/flags/content/directory.js'
import {editFlags, editOptions} from '../src/cli/flags/content/edit.js'
import {
  imageArg,
  imageRequest,
  publishFlags,
  resultRequest,
  slotName,
  slotPath,
  strictFlag,
} from '../src/cli/flags/common.js'
import {formatFlags, formatOptions, layersFlag} from '../src/cli/flags/content/format.js'
import {mergeOptions} from '../src/cli/flags/content/merge.js'
import {packFlags, packOptions} from '../src/cli/flags/content/pack.js'
import {packOutputs} from '../src/cli/ports/pack-ports.js'
import {updatePorts} from '../src/cli/ports/update-ports.js'
import {
  contentFlags,
  contentPlaces,
  localPaths,
  pathOf,
  sourcesArg,
} from '../src/cli/flags/content/sources.js'
import {presentUpdate} from '../src/cli/render/injection.js'
import {checkFlag, exitIfChanged} from '../src/cli/flags/run.js'
import {uploadFlags} from '../src/cli/flags/content/upload.js'
import {update, type UpdateRequest} from '../src/operations/update.js'

export default class Update extends BaseCommand {
  static override readonly summary =
    "Replace the slot's content with a directory (sets the slot up first if needed)."
  static override readonly description =
    'Sends one layer, one config and one manifest; the other layers are neither pulled nor pushed. If the slot already holds this content, nothing is sent and no tag moves. With --layers auto the content is split into several layers, and only the changed ones are sent.'
  static override readonly examples = [
    'Put ./tree over the root of the image, under a new tag:\n<%= config.bin %> <%= command.id %> registry.example/team/app:v1 ./tree --owner 0:0 --tag v1-data',
    'Ship certificates into one folder of every platform:\n<%= config.bin %> <%= command.id %> registry.example/team/app:v1 ./certs --path /etc/ssl/certs --platform all --owner 0:0',
    'Give each platform of an index its own files:\n<%= config.bin %> <%= command.id %> registry.example/team/app:v1 "./out/{os}-{arch}" --path /opt/tool --platform all',
    'Show what would change in an image on disk:\n<%= config.bin %> <%= command.id %> oci:layout:v1 ./models --name models --path /opt/models --dry-run',
  ]
  static override readonly args = {
    image: imageArg,
    sources: sourcesArg,
  }
  static override readonly flags = {
    ...publishFlags,
    ...checkFlag,
    path: slotPath(),
    name: slotName(),
    ...contentFlags,
    ...directoryFlags,
    ...strictFlag,
    ...formatFlags,
    ...editFlags,
    ...packFlags,
    ...uploadFlags,
    ...attestFlags,
    layers: layersFlag(),
    adopt: Flags.string({
      helpGroup: 'RESULT',
      helpValue: 'LAYER',
      summary:
        "Use this layer (number, digest or diff ID) as the slot's, after another tool rewrote it.",
    }),
  }

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Update, withAttestValue(this.argv))
    const asked = Update.request(args, flags)
    const outputs = packOutputs(flags, process.env)
    const request = {...asked, source: {...asked.source, outputs}}
    return this.perform(
      flags,
      async (ports) => {
        const input = {flags, sources: args.sources, packed: localPaths(request.source)}
        const result = await update(request, await updatePorts(input, process.env, ports))
        return exitIfChanged(flags.check, result)
      },
      presentUpdate(flags),
    )
  }

  /** The arguments and flags as the request of the operation. */
  static request(
    args: {image: string; sources: string[] | undefined},
    flags: Interfaces.InferredFlags<typeof Update.flags>,
  ): UpdateRequest {
    const {path, layers: sharding, created, 'base-annotations': baseAnnotations} = flags
    const {publish, ...result} = resultRequest(flags)
    const places = contentPlaces(args, flags)
    const format = {...formatOptions(flags), ...packOptions(flags)}
    return {
      ...{...result, image: imageRequest(args.image, flags)},
      source: {...places, ...directoryOptions(flags)},
      layer: {
        ...{path: pathOf(places, path), created, sharding, baseAnnotations, ...format},
        ...{...mergeOptions(flags), ...editOptions(flags)},
      },
      publish: {...publish, chunkSize: flags['chunk-size']},
    }
  }
}
