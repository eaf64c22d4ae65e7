import {Args} from '@oclif/core'
import {BaseCommand} from '../../src/cli/base-command.js'
import {credentialPorts} from '../../src/cli/ports/credential-ports.js'
import {givenUser} from '../../src/cli/ports/explicit-credentials.js'
import {shownWhich} from '../../src/cli/render/credentials.js'
import {whichTarget} from '../../src/cli/flags/targets.js'
import {whichCredentials} from '../../src/operations/login/which-credentials.js'

export default class AuthWhich extends BaseCommand {
  static override readonly summary =
    'Show which credentials an image or registry would get, and where they come from.'
  static override readonly description =
    'Does not contact the registry, but asks a configured credential helper. Shows no secrets.'
  static override readonly examples = [
    {
      description: 'For an image:',
      command: '<%= config.bin %> <%= command.id %> registry.example/team/app:v1',
    },
    {
      description: 'For a registry, as JSON:',
      command: '<%= config.bin %> <%= command.id %> registry.example --json',
    },
  ]
  static override readonly args = {
    image: Args.string({
      ignoreStdin: true, // oclif would take a piped password for it
      required: true,
      description: 'REGISTRY/REPOSITORY[:TAG][@DIGEST], or a registry.',
    }),
  }

  async run(): Promise<object> {
    const {args, flags} = await this.parse(AuthWhich)
    const reference = whichTarget(args.image)
    return this.perform(
      flags,
      async (ports) => {
        const given = await givenUser(flags, process.env, () => process.stdin)
        return whichCredentials({reference, given}, credentialPorts(flags, ports))
      },
      shownWhich,
    )
  }
}
