import {Flags} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {credentialPorts} from '../src/cli/ports/credential-ports.js'
import {registryArg, terminalConsole} from '../src/cli/terminal/login-terminal.js'
import {loginCredentials} from '../src/cli/ports/login-credentials.js'
import {shownLogin} from '../src/cli/render/credentials.js'
import {login} from '../src/operations/login/login.js'
import {parseRegistryName} from '../src/registry/credentials/registry-name.js'

export default class Login extends BaseCommand {
  static override readonly summary =
    'Check a user name and a password with a registry, and keep them for later commands.'
  static override readonly description =
    'They are kept where docker and podman keep theirs, or by the credential helper that is configured there. The password is asked for on the terminal, read with --password-stdin, or taken from INJECT_PASSWORD.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> registry.example -u robot --password-stdin < password',
    '<%= config.bin %> <%= command.id %> docker.io',
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
