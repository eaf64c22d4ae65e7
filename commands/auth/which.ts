import {Args} from '@oclif/core'
import {BaseCommand} from '../../src/cli/base-command.js'
import {credentialPorts} from '../../src/cli/ports/credential-ports.js'
import {givenUser} from '../../src/cli/ports/explicit-credentials.js'
import {shownWhich} from '../../src/cli/render/credentials.js'
import {whichTarget} from '../../src/cli/flags/targets.js'
import {whichCredentials} from '../../src/operations/login/which-credentials.js'

export default class AuthWhich extends BaseCommand {
  static override readonly summary =
    'Show which credentials would be used for an image or a registry, and where they come from.'
  static override readonly description =
    'The registry is not asked. A credential helper that is configured for it is; no secret is shown.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> registry.example/team/app:v1',
    '<%= config.bin %> <%= command.id %> docker.io/library/alpine --json',
  ]
  static override readonly args = {
    image: Args.string({
      ignoreStdin: true, // oclif would take a piped password for it
      required: true,
      description: 'REGISTRY/REPOSITORY[:TAG][@DIGEST], or the registry alone.',
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
