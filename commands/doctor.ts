import {Args, Flags} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {doctorPorts} from '../src/cli/ports/doctor-ports.js'
import {doctorTarget} from '../src/cli/flags/targets.js'
import {exitCode} from '../src/cli/terminal/exit-code.js'
import {shownDoctor} from '../src/cli/render/doctor.js'
import {doctor} from '../src/operations/doctor/doctor.js'

export default class Doctor extends BaseCommand {
  static override readonly summary =
    'Ask a registry all that updates depend on, and say what inject does about the answers.'
  static override readonly description =
    'Without a repository: whether it answers, TLS, credentials and tokens, and its clock. With one: also what it says about tags, manifests, blobs and referrers. Nothing is written without --write. Ends with 0 when updates will work, else with the exit code of the first thing that is wrong.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> registry.example',
    '<%= config.bin %> <%= command.id %> registry.example/team/scratch --write',
    '<%= config.bin %> <%= command.id %> registry.example/team/app:v1 --json',
  ]
  static override readonly args = {
    registry: Args.string({
      ignoreStdin: true,
      required: true,
      description: 'REGISTRY, as in registry.example:5000, or REGISTRY/REPOSITORY[:TAG].',
    }),
  }
  static override readonly flags = {
    write: Flags.boolean({
      summary:
        'Also try uploads, mounts and a tag inject-doctor-… of a tiny image; removed afterwards where the registry lets us.',
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
