import type {Interfaces} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {imageArg, strictFlag} from '../src/cli/flags/common.js'
import {platformChoice, platformsFlag} from '../src/cli/flags/platform.js'
import {verifyFlags} from '../src/cli/flags/commands/verify.js'
import {verifyChecks} from '../src/cli/ports/verify-request.js'
import {renderVerify} from '../src/cli/render/verify.js'
import {notProvenExitCode} from '../src/cli/terminal/exit-code.js'
import {parseReference} from '../src/oci/names/reference.js'
import {verify} from '../src/operations/verify.js'

export default class Verify extends BaseCommand {
  static override readonly summary =
    "Prove that an image is a vendor's image with slots, and who says so."
  static override readonly description =
    "Takes the slots out of the image, in memory, and checks that what is left is the vendor's image by its digest; with --key or --identity, that a signed statement of inject says the same of this image; with --vendor-key or --vendor-identity, that the vendor signed its image. Reads manifests, configs and what refers to them, never a layer. Prints a line for each claim, and exits with 12 if one that is needed is not proven."
  static override readonly examples = [
    {
      description: "Is everything but the slot the vendor's?",
      command:
        '<%= config.bin %> <%= command.id %> registry.example/team/app:v1-data --vendor registry.example/vendor/app:v1',
    },
    {
      description: 'Who made it, and did the vendor sign what it was made from?',
      command:
        '<%= config.bin %> <%= command.id %> registry.example/team/app:v1-data --key team.pub --vendor-key vendor.pub',
    },
    {
      description: 'In CI, by a policy:',
      command:
        '<%= config.bin %> <%= command.id %> registry.example/team/app:v1-data --policy policy.json --json',
    },
  ]
  static override readonly args = {image: imageArg}
  static override readonly flags = {
    ...verifyFlags,
    platform: platformsFlag({summary: 'Images of an index to check (default: all); repeatable.'}),
    ...strictFlag,
  }

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Verify)
    return this.perform(
      flags,
      async (ports) => {
        const checks = await verifyChecks(flags, process.env)
        const request = {...Verify.request(args, flags), ...checks, now: Date.now() / 1000}
        const result = await verify(request, ports)
        if (!result.proven) process.exitCode = notProvenExitCode
        return result
      },
      {line: renderVerify},
    )
  }

  /** The arguments and flags as the request of the operation. */
  static request(args: {image: string}, flags: Interfaces.InferredFlags<typeof Verify.flags>) {
    return {reference: parseReference(args.image), platforms: platformChoice(flags.platform)}
  }
}
