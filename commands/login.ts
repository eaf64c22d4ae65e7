import {Flags} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {credentialPorts} from '../src/cli/ports/credential-ports.js'
import {registryArg, terminalConsole} from '../src/cli/terminal/login-terminal.js'
import {loginCredentials} from '../src/cli/ports/login-credentials.js'
import {shownLogin} from '../src/cli/render/credentials.js'
import {login} from '../src/operations/login/login.js'
import {parseRegistryName} from '../src/registry/credentials/registry-name.js'

export default class Login extends BaseCommand {
  static override readonly summary = 'Log in to a registry, and store the login for later commands.'
  static override readonly description =
    'The login is stored where docker and podman store theirs, or in the credential helper that is configured there. The password comes from the terminal, from --password-stdin or from INJECT_PASSWORD.'
  static override readonly examples = [
    {
      description: 'Log in on a terminal:',
      command: '<%= config.bin %> <%= command.id %> docker.io',
    },
    {
      description: 'Log in from a script:',
      command:
        '<%= config.bin %> <%= command.id %> registry.example -u robot --password-stdin < password',
    },
    {
      description: 'Store the login in a file of its own:',
      command: '<%= config.bin %> <%= command.id %> registry.example -u robot --authfile auth.json',
    },
  ]
  static override readonly args = {registry: registryArg({required: true})}
  static override readonly flags = {
    username: Flags.string({
      char: 'u',
      helpValue: 'NAME',
      summary: 'User name (also INJECT_USERNAME).',
    }),
  }

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Login)
    const registry = parseRegistryName(args.registry)
    return this.perform(
      flags,
      async (ports) => {
        const machine = {env: process.env, signal: ports.signal}
        const who = await loginCredentials(flags, terminalConsole(), machine)
        return login({registry, ...who}, credentialPorts(flags, ports))
      },
      shownLogin,
    )
  }
}
