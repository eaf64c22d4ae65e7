import {Args, Flags, type Interfaces} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {checkFolderArgument} from '../src/cli/flags/folder-argument.js'
import {imageArg, maxSize, slotName, slotPath, zstdWindow} from '../src/cli/flags/common.js'
import {platformFlag} from '../src/cli/flags/platform.js'
import {layerMemory} from '../src/cli/ports/pack-ports.js'
import {summariseUnpack} from '../src/cli/render/unpack.js'
import {machinePlatform} from '../src/oci/platform.js'
import {parseReference} from '../src/oci/names/reference.js'
import {unpack, type UnpackOptions} from '../src/operations/unpack.js'

export default class Unpack extends BaseCommand {
  static override readonly summary = "Get the slot's current content as a directory."
  static override readonly description =
    'The directory appears complete or not at all. If the image has no such slot yet, an empty tree is created, so that the first run of a job that unpacks, refreshes and updates works like any other run.'
  static override readonly examples = [
    {
      description: 'Get what the image holds:',
      command: '<%= config.bin %> <%= command.id %> registry.example/team/app:v1 ./tree',
    },
    {
      description: 'Refresh a tree that an earlier run left:',
      command: '<%= config.bin %> <%= command.id %> registry.example/team/app:v1 ./tree --force',
    },
    {
      description: 'Get the slot of one platform of an index:',
      command:
        '<%= config.bin %> <%= command.id %> registry.example/team/app:v1 ./models --name models --platform linux/arm64',
    },
  ]
  static override readonly args = {
    image: imageArg,
    directory: Args.string({
      ignoreStdin: true, // oclif would take a piped text for it
      required: true,
      description: 'Where to put it; must be missing or empty unless --force is used.',
    }),
  }
  static override readonly flags = {
    force: Flags.boolean({char: 'f', summary: 'Replace the content of the directory.'}),
    platform: platformFlag(),
    name: slotName(),
    verify: Flags.boolean({
      summary: 'Fetch all layers, also those that DIRECTORY has by the times of its files.',
    }),
    path: slotPath({
      summary: 'Where the slot will go, for an image without one: shapes the empty tree.',
    }),
    strict: Flags.boolean({
      summary: 'Fail if the image has no such slot, or deviates from its specification.',
    }),
    sparse: Flags.boolean({
      allowNo: true,
      default: true,
      summary: 'Leave holes in files for runs of zeros of 64 KiB and more.',
    }),
    follow: Flags.boolean({summary: 'If DIRECTORY is a symbolic link, use its target.'}),
    'max-size': maxSize(),
    'max-special': Flags.integer({
      min: 0,
      helpGroup: 'LIMITS',
      helpValue: 'N',
      summary: 'Most FIFOs and devices in the layer (default: 1,000).',
    }),
    'zstd-window': zstdWindow(),
    devices: Flags.boolean({
      helpGroup: 'LIMITS',
      summary: 'Create the device nodes in the layer (as root), instead of refusing them.',
    }),
  }

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Unpack)
    checkFolderArgument('unpack', args.image, args.directory)
    const request = Unpack.request(args, flags)
    const openMemory = layerMemory(process.env)
    return this.perform(flags, (ports) => unpack(request, {...ports, openMemory}), {
      line: ({reference}) => reference,
      summary: summariseUnpack,
      cost: ({fetchedSize: fetched, compressedSize}) => ({
        ...(fetched < compressedSize ? {told: fetched} : {fetched}),
        saved: Math.max(0, compressedSize - fetched),
      }),
    })
  }

  /** The arguments and flags as the request of the operation. */
  static request(
    args: {image: string; directory: string},
    flags: Interfaces.InferredFlags<typeof Unpack.flags>,
  ): UnpackOptions {
    const {name, path, platform, force, follow, strict, sparse, devices, verify} = flags
    const reference = parseReference(args.image)
    const limits = {
      largest: flags['max-size'],
      special: flags['max-special'],
      zstdWindow: flags['zstd-window'],
    }
    const machine = machinePlatform(process.arch)
    const which = {reference, directory: args.directory, platform, machine}
    return {...which, name, path, force, follow, strict, sparse, devices, verify, ...limits}
  }
}
