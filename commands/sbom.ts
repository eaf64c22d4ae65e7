import {Flags} from '@oclif/core'
import {sbomFormats} from '../src/attest/sbom/facts.js'
import {BaseCommand} from '../src/cli/base-command.js'
import {imageArg, strictFlag} from '../src/cli/flags/common.js'
import {platformFlag} from '../src/cli/flags/platform.js'
import {parseReference} from '../src/oci/names/reference.js'
import {machinePlatform} from '../src/oci/platform.js'
import {sbom} from '../src/operations/sbom.js'

export default class Sbom extends BaseCommand {
  static override readonly summary = 'Print the list of files that was attached to an image.'
  static override readonly description =
    "Prints the SPDX or CycloneDX document that inject update --sbom attached: the files in the slots, with digests, and the packages among them. It names the vendor's own lists, which hold for the rest of the image. Its signature is not checked here: inject verify does that."
  static override readonly examples = [
    {
      description: 'As it was attached:',
      command: '<%= config.bin %> <%= command.id %> registry.example/team/app:v1-data',
    },
    {
      description: 'That of another platform, as CycloneDX:',
      command:
        '<%= config.bin %> <%= command.id %> registry.example/team/app:v1-data --format cyclonedx --platform linux/arm64',
    },
  ]
  static override readonly args = {image: imageArg}
  static override readonly flags = {
    format: Flags.option({options: sbomFormats})({
      helpValue: 'spdx|cyclonedx',
      summary: 'Which list to print, if there are several (default: the first).',
    }),
    platform: platformFlag(),
    ...strictFlag,
  }

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Sbom)
    const {format, platform} = flags
    const machine = machinePlatform(process.arch)
    const request = {reference: parseReference(args.image), format, platform, machine}
    return this.perform(flags, (ports) => sbom(request, ports), {
      line: ({document}) => JSON.stringify(document, null, 2),
    })
  }
}
