import {Args, Flags, type Interfaces} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {imageArg, maxSize, slotName, slotPath, zstdWindow} from '../src/cli/flags/common.js'
import {platformFlag} from '../src/cli/flags/platform.js'
import {summariseUnpack} from '../src/cli/render/unpack.js'
import {machinePlatform} from '../src/oci/platform.js'
import {parseReference} from '../src/oci/reference.js'
import {unpack, type UnpackOptions} from '../src/operations/unpack.js'

export default class Unpack extends BaseCommand {
  static override readonly summary = "Get the slot's current content as a directory."
  static override readonly description =
    'The directory appears complete or not at all. An image without the slot gives the empty start, so that a first run of a job that unpacks, refreshes and updates works like every other one.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> registry.example/team/app:v1 ./tree',
  ]
  static override readonly args = {
    image: imageArg,
    directory: Args.string({
      ignoreStdin: true, // oclif would take a piped text for it
      required: true,
      description: 'Must not exist, or be empty, without --force.',
    }),
  }
  static override readonly flags = {
    name: slotName(),
    platform: platformFlag(),
    path: slotPath({
      summary:
        'Where the slot will belong, for an image that has none yet: the empty start looks accordingly.',
    }),
    force: Flags.boolean({char: 'f', summary: 'Replace what is in the directory.'}),
    follow: Flags.boolean({
      summary: 'DIR may be a symbolic link: replace what is in the directory that it leads to.',
    }),
    strict: Flags.boolean({
      summary:
        'An image without the slot is an error, and so is what is not as its specification has it.',
    }),
    sparse: Flags.boolean({
      allowNo: true,
      default: true,
      summary: 'Let runs of zeros of 64 KiB and more take no space on the disk.',
    }),
    'max-size': maxSize(),
    'max-special': Flags.integer({
      min: 0,
      helpValue: 'N',
      summary: 'FIFOs and devices that the layer may hold (default: 1,000).',
    }),
    'zstd-window': zstdWindow(),
    devices: Flags.boolean({
      summary: 'Make device nodes that the layer holds (as root); refused otherwise.',
    }),
  }

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Unpack)
    const request = Unpack.request(args, flags)
    return this.perform(flags, (ports) => unpack(request, ports), {
      line: ({reference}) => reference,
      summary: summariseUnpack,
    })
  }

  /** What arguments and flags ask for, as the operation takes it. */
  static request(
    args: {image: string; directory: string},
    flags: Interfaces.InferredFlags<typeof Unpack.flags>,
  ): UnpackOptions {
    const {name, path, platform, force, follow, strict, sparse, devices} = flags
    const reference = parseReference(args.image)
    const limits = {
      largest: flags['max-size'],
      special: flags['max-special'],
      zstdWindow: flags['zstd-window'],
    }
    const machine = machinePlatform(process.arch)
    const which = {reference, directory: args.directory, platform, machine}
    return {...which, name, path, force, follow, strict, sparse, devices, ...limits}
  }
}
