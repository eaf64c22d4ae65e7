import {Flags} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {credentialPorts} from '../src/cli/ports/credential-ports.js'
import {chosenRegistry, registryArg} from '../src/cli/terminal/login-terminal.js'
import {shownLogout} from '../src/cli/render/credentials.js'
import {logout} from '../src/operations/login/logout.js'

export default class Logout extends BaseCommand {
  static override readonly summary = 'Remove the stored login of a registry, or of all.'
  static override readonly description =
    'Removes the login from every file that commands read (or from --authfile only), and from the credential helpers that these files name. A missing login is not an error.'
  static override readonly examples = [
    {
      description: 'Log out of one registry:',
      command: '<%= config.bin %> <%= command.id %> registry.example',
    },
    {
      description: 'Log out of all registries in one file:',
      command: '<%= config.bin %> <%= command.id %> --all --authfile auth.json',
    },
  ]
  static override readonly args = {registry: registryArg({required: false})}
  static override readonly flags = {
    all: Flags.boolean({default: false, summary: 'Log out of all registries in the files.'}),
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
