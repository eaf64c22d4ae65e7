import {BaseCommand} from '../src/cli/base-command.js'
import {imageArg, strictFlag} from '../src/cli/flags/common.js'
import {signerFlags} from '../src/cli/flags/commands/verify.js'
import {signerChecks} from '../src/cli/ports/verify-request.js'
import {renderTree} from '../src/cli/render/tree.js'
import {parseReference} from '../src/oci/names/reference.js'
import {tree} from '../src/operations/tree.js'

export default class Tree extends BaseCommand {
  static override readonly summary = 'Show what refers to an image: signatures, statements, lists.'
  static override readonly description =
    'For an image, or an index and each of its images: artifacts of any tool, with their type, their size, and who signed them by their own words. With --key or --identity, signatures are verified; inject verify also looks at what they are about.'
  static override readonly examples = [
    {
      description: 'What is said of an image:',
      command: '<%= config.bin %> <%= command.id %> registry.example/team/app:v1-data',
    },
    {
      description: 'The same of an image on disk, as JSON:',
      command: '<%= config.bin %> <%= command.id %> oci:layout:v1 --json',
    },
  ]
  static override readonly args = {image: imageArg}
  static override readonly flags = {...signerFlags, ...strictFlag}

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Tree)
    const reference = parseReference(args.image)
    return this.perform(
      flags,
      async (ports) => tree({reference, signer: await signerChecks(flags, process.env)}, ports),
      {line: renderTree},
    )
  }
}
