import {Flags, type Interfaces} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {attestFlags, withAttestValue} from '../src/cli/flags/attest.js'
import {
  imageArg,
  referenceFlag,
  resultFlags,
  resultRequest,
  strictFlag,
} from '../src/cli/flags/common.js'
import {checkFlag, exitIfChanged} from '../src/cli/flags/run.js'
import {attestPorts} from '../src/cli/ports/attest-ports.js'
import {layerPorts} from '../src/cli/ports/pack-ports.js'
import {presentRebase} from '../src/cli/render/follow/rebase.js'
import {parseReference} from '../src/oci/names/reference.js'
import {platformPolicies, type PlatformPolicy} from '../src/operations/follow/pair-images.js'
import {lookPolicies, type LookPolicy} from '../src/operations/follow/slot-index.js'
import {rebase, type RebaseRequest} from '../src/operations/rebase.js'

export default class Rebase extends BaseCommand {
  static override readonly summary = "Put the slots of an image on the vendor's new image."
  static override readonly description =
    "The slots go on top of the image that the vendor's tag names now, with their content, labels and config edits, and all platforms of an index at once. Only manifests and configs are sent; layers are mounted where repositories differ. If the vendor's image is the same as before, nothing changes. Files of the new image that a slot hides are reported. Afterwards inject remove gives the vendor's new image."
  static override readonly examples = [
    {
      description: "Follow the vendor's tag that the image was made from:",
      command: '<%= config.bin %> <%= command.id %> registry.example/team/app:v1-data',
    },
    {
      description: "Move to the vendor's next version, under a new tag:",
      command:
        '<%= config.bin %> <%= command.id %> registry.example/team/app:v1-data --onto registry.example/team/app:v2 --tag v2-data',
    },
    {
      description: 'Exit with 20 if there is something to do:',
      command: '<%= config.bin %> <%= command.id %> registry.example/team/app:v1-data --check',
    },
  ]
  static override readonly args = {image: imageArg}
  static override readonly flags = {
    // without --platform: all images of an index are rebased
    ...resultFlags,
    ...checkFlag,
    ...attestFlags,
    onto: referenceFlag({
      summary: 'Image to put the slots on (default: the one that IMAGE says it was made from).',
    }),
    platforms: Flags.option({options: platformPolicies})({
      default: 'intersect' as PlatformPolicy,
      helpValue: 'intersect|fail',
      summary:
        "If the vendor's platforms changed: put the slots into those of both, or fail with exit code 11.",
    }),
    look: Flags.option({options: lookPolicies})({
      default: 'auto' as LookPolicy,
      helpGroup: 'CONTENT',
      helpValue: 'auto|all|none',
      summary:
        'New layers to read to report hidden files: those up to 128 MiB that are not known yet, all, or none.',
    }),
    force: Flags.boolean({
      helpGroup: 'CONTENT',
      summary: 'Rebase a buildpacks image onto a run image that it does not allow.',
    }),
    ...strictFlag,
  }

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Rebase, withAttestValue(this.argv))
    const request = Rebase.request(args, flags)
    const remembered = layerPorts(process.env)
    return this.perform(
      flags,
      async (ports) => {
        const attest = await attestPorts({name: 'rebase', flags}, process.env, ports)
        const result = await rebase(request, {...ports, ...remembered, ...attest})
        return exitIfChanged(flags.check, result)
      },
      presentRebase(flags.digestfile),
    )
  }

  /** The arguments and flags as the request of the operation. */
  static request(
    args: {image: string},
    flags: Interfaces.InferredFlags<typeof Rebase.flags>,
  ): RebaseRequest {
    const {onto, platforms, look, force} = flags
    const image = {reference: parseReference(args.image)}
    return {image, ...resultRequest(flags), onto, platforms, look, force}
  }
}
