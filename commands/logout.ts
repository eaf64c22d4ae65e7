import {Flags} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {credentialPorts} from '../src/cli/ports/credential-ports.js'
import {chosenRegistry, registryArg} from '../src/cli/terminal/login-terminal.js'
import {shownLogout} from '../src/cli/render/credentials.js'
import {logout} from '../src/operations/login/logout.js'

export default class Logout extends BaseCommand {
  static override readonly summary = 'Forget the login for a registry, or for all.'
  static override readonly description =
    'It is removed from every file that commands would find it in (or from --authfile alone), and from the credential helpers that these files name. A login that was not there is no error.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> registry.example',
    '<%= config.bin %> <%= command.id %> --all --authfile auth.json',
  ]
  static override readonly args = {registry: registryArg({required: false})}
  static override readonly flags = {
    all: Flags.boolean({default: false, summary: 'All registries that the files name.'}),
  }

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Logout)
    const registry = chosenRegistry(args.registry, flags.all)
    return this.perform(
      flags,
      (ports) => logout({registry}, credentialPorts(flags, ports)),
      shownLogout,
    )
  }
}
