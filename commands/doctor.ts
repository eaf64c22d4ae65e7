import {Args, Flags} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {doctorPorts} from '../src/cli/ports/doctor-ports.js'
import {doctorTarget} from '../src/cli/flags/targets.js'
import {exitCode} from '../src/cli/terminal/exit-code.js'
import {shownDoctor} from '../src/cli/render/doctor.js'
import {doctor} from '../src/operations/doctor/doctor.js'

export default class Doctor extends BaseCommand {
  static override readonly summary =
    'Check whether a registry supports what inject needs, and suggest fixes.'
  static override readonly description =
    'Without a repository, checks the connection, TLS, credentials, tokens and the clock. With one, also checks tags, manifests, blobs and referrers. Writes nothing without --write. Exits with 0 if updates will work, otherwise with the exit code of the first problem.'
  static override readonly examples = [
    {
      description: 'Check the connection and the login:',
      command: '<%= config.bin %> <%= command.id %> registry.example',
    },
    {
      description: 'Also try uploads in a repository:',
      command: '<%= config.bin %> <%= command.id %> registry.example/team/scratch --write',
    },
    {
      description: 'Get the report as JSON:',
      command: '<%= config.bin %> <%= command.id %> registry.example/team/app:v1 --json',
    },
  ]
  static override readonly args = {
    registry: Args.string({
      ignoreStdin: true,
      required: true,
      description: 'REGISTRY, such as registry.example:5000, or REGISTRY/REPOSITORY[:TAG].',
    }),
  }
  static override readonly flags = {
    write: Flags.boolean({
      summary:
        'Also try uploads, mounts and a tag inject-doctor-… with a tiny image, and remove them afterwards if the registry allows it.',
    }),
  }

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Doctor)
    const target = doctorTarget(args.registry, flags.write)
    return this.perform(
      flags,
      async (ports) => {
        const {report, failure} = await doctor(
          {...target, writes: flags.write},
          await doctorPorts(flags, target, ports),
        )
        // the report is the result: no error takes its place
        if (failure) process.exitCode = exitCode(failure)
        return report
      },
      shownDoctor,
    )
  }
}
