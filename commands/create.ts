import {Flags, type Interfaces} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {imageArg, publishFlags, slotName, slotPath} from '../src/cli/flags/common.js'
import {directoryFlags, directoryOptions} from '../src/cli/flags/content/directory.js'
import {editFlags, editOptions} from '../src/cli/flags/content/edit.js'
import {formatFlags, layersFlag} from '../src/cli/flags/content/format.js'
import {packFlags, packOptions} from '../src/cli/flags/content/pack.js'
import {platformList} from '../src/cli/flags/platform.js'
import {
  localPaths,
  pathOf,
  sourceFlags,
  sourcePlaces,
  sourcesArg,
} from '../src/cli/flags/content/sources.js'
import {uploadFlags} from '../src/cli/flags/content/upload.js'
import {packOutputs, packPorts, uploadJournals} from '../src/cli/ports/pack-ports.js'
import {reportWithTotal} from '../src/cli/ports/tree-total.js'
import {presentCreation} from '../src/cli/render/creation.js'
import {parseReference} from '../src/oci/names/reference.js'
import {create, type CreateRequest, dataSlotName, usualPlatform} from '../src/operations/create.js'
import {createModel} from '../src/operations/create-model.js'

const {tag, created, digestfile} = publishFlags

export default class Create extends BaseCommand {
  static override readonly summary = 'Make an image that holds a directory and nothing else.'
  static override readonly description =
    'For what is mounted and not run: image volumes of Kubernetes, or --mount type=image of docker and podman. It has one slot, which inject update replaces. With --artifact-type modelpack it is a ModelPack artifact instead, with a layer for each file.'
  static override readonly examples = [
    'Make a data image for two platforms:\n<%= config.bin %> <%= command.id %> registry.example/team/data:v1 ./data -p linux/amd64 -p linux/arm64',
    'Put a model where KServe looks for it:\n<%= config.bin %> <%= command.id %> registry.example/team/model:v1 ./model --path /models',
    'Make a ModelPack artifact:\n<%= config.bin %> <%= command.id %> registry.example/team/model:v1 ./model --artifact-type modelpack',
  ]
  static override readonly args = {image: imageArg, sources: sourcesArg}
  static override readonly flags = {
    ...{tag, created, digestfile},
    'dry-run': publishFlags['dry-run'],
    'no-clobber': publishFlags['no-clobber'],
    platform: platformList(),
    path: slotPath({summary: 'Where the content goes in the image (default: /).'}),
    name: slotName({default: dataSlotName, summary: 'Name of the slot.'}),
    'artifact-type': Flags.option({options: ['modelpack'] as const})({
      helpGroup: 'RESULT',
      helpValue: 'modelpack',
      summary: 'Make an artifact of this kind instead of an image.',
    }),
    ...sourceFlags,
    ...directoryFlags,
    compression: formatFlags.compression,
    ...editFlags,
    ...packFlags,
    ...uploadFlags,
    layers: layersFlag(),
  }

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Create)
    const asked = Create.request(args, flags)
    const outputs = packOutputs(flags, process.env)
    const request = {...asked, source: {...asked.source, outputs}}
    return this.perform(
      flags,
      async (ports) => {
        const packed = localPaths(request.source)
        const packing = packPorts(flags, process.env, ports)
        const withJournal = uploadJournals(flags, process.env, {...ports, packed})
        const report = reportWithTotal(ports, args.sources)
        const all = {...ports, ...packing, withJournal, report}
        return flags['artifact-type'] ? createModel(request, all) : create(request, all)
      },
      presentCreation(flags.digestfile),
    )
  }

  /** The arguments and flags as the request of the operation. */
  static request(
    {image, sources}: {image: string; sources: string[] | undefined},
    flags: Interfaces.InferredFlags<typeof Create.flags>,
  ): CreateRequest {
    const {name, path, platform, layers: sharding, compression} = flags
    const places = sourcePlaces('create', {image, sources, archive: flags.archive})
    const layer = {compression, sharding, ...packOptions(flags), ...editOptions(flags)}
    return {
      reference: parseReference(image),
      tags: flags.tag ?? [],
      platforms: platform && platform.length > 0 ? platform : [usualPlatform],
      name,
      source: {...places, ...directoryOptions(flags)},
      layer: {path: pathOf(places, path), created: flags.created, ...layer},
      publish: {
        dryRun: flags['dry-run'],
        noClobber: flags['no-clobber'],
        onConflict: 'fail',
        chunkSize: flags['chunk-size'],
      },
    }
  }
}
