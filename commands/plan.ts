import {BaseCommand} from '../src/cli/base-command.js'
import {strictFlag} from '../src/cli/flags/common.js'
import {attestFlags, withAttestValue} from '../src/cli/flags/attest.js'
import {fleetFlags} from '../src/cli/flags/commands/fleet.js'
import {reportOutputs, reportFlag} from '../src/cli/flags/commands/report.js'
import {renderPlan} from '../src/cli/render/fleet/plan.js'
import {differsExitCode} from '../src/cli/terminal/exit-code.js'
import {isChange, reportFails} from '../src/fleet/report/outcome.js'
import Apply from './apply.js'

export default class Plan extends BaseCommand {
  static override readonly summary = 'Show what inject apply would do, and change nothing.'
  static override readonly description =
    'Prints a line for each image that would change, with the bytes that would be sent. Exits with 0 if all images are right, with 20 if something would change, and with 1 if the state of an image could not be determined.'
  static override readonly examples = [
    {
      description: 'What would change?',
      command: '<%= config.bin %> <%= command.id %> -f fleet.yaml',
    },
    {
      description: 'A table for a comment on a merge request:',
      command: '<%= config.bin %> <%= command.id %> -f fleet.yaml --report plan.md',
    },
  ]
  static override readonly flags = {
    ...fleetFlags,
    ...attestFlags,
    report: reportFlag(),
    ...strictFlag,
  }

  async run(): Promise<object> {
    const {flags} = await this.parse(Plan, withAttestValue(this.argv))
    return this.perform(
      flags,
      async (ports, onInterrupted) => {
        const report = await Apply.applied(flags, ports, {dryRun: true, onInterrupted})
        if (reportFails(report)) process.exitCode = 1
        else if (report.outcomes.some(isChange)) process.exitCode = differsExitCode
        return report
      },
      {
        line: renderPlan,
        ...reportOutputs(flags.report),
      },
    )
  }
}
