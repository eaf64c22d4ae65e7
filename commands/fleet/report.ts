import {Args, Flags} from '@oclif/core'
import {BaseCommand} from '../../src/cli/base-command.js'
import {commonFlags} from '../../src/cli/flags/common.js'
import {reportOutputs, reportFlag} from '../../src/cli/flags/commands/report.js'
import {renderFleetJunit} from '../../src/cli/render/fleet/junit.js'
import {renderFleetMarkdown} from '../../src/cli/render/fleet/markdown.js'
import {type FleetReport, reportFails} from '../../src/fleet/report/outcome.js'
import {readReports} from '../../src/operations/fleet-report/read-reports.js'

export default class FleetReportCommand extends BaseCommand {
  static override readonly summary = "Join the reports of a fleet's shards, and show the result."
  static override readonly description =
    'Exits with 1 if an image failed, or if the report of a shard is missing. Reports of different fleets, or two of the same shard, are refused.'
  static override readonly strict = false
  static override readonly examples = [
    {
      description: 'Sum up what the shards did:',
      command: '<%= config.bin %> <%= command.id %> reports/*.json',
    },
    {
      description: 'For the summary of a CI job:',
      command: '<%= config.bin %> <%= command.id %> reports/*.json --markdown',
    },
    {
      description: 'One report, in two formats:',
      command:
        '<%= config.bin %> <%= command.id %> reports/*.json --report fleet.json --report fleet.xml',
    },
  ]
  // there is no registry to log in to
  static override readonly baseFlags = commonFlags as typeof BaseCommand.baseFlags
  static override readonly args = {
    files: Args.string({
      ignoreStdin: true,
      required: true,
      description: 'JSON files that --report wrote.',
    }),
  }
  static override readonly flags = {
    markdown: Flags.boolean({summary: 'Print the report as Markdown.', exclusive: ['junit']}),
    junit: Flags.boolean({summary: 'Print the report as XML of JUnit.'}),
    report: reportFlag(),
  }

  async run(): Promise<object> {
    const {argv, flags} = await this.parse(FleetReportCommand)
    const files = argv as [string, ...string[]]
    return this.perform(
      flags,
      async ({signal}): Promise<FleetReport> => {
        const report = await readReports(files, signal)
        if (reportFails(report)) process.exitCode = 1
        return report
      },
      {
        line: (report) => {
          if (flags.markdown) return renderFleetMarkdown(report)
          return flags.junit ? renderFleetJunit(report) : undefined
        },
        ...reportOutputs(flags.report),
      },
    )
  }
}
