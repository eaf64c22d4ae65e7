import type {Interfaces} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {strictFlag} from '../src/cli/flags/common.js'
import {attestFlags, withAttestValue} from '../src/cli/flags/attest.js'
import {fleetFlags} from '../src/cli/flags/commands/fleet.js'
import {reportOutputs, reportFlag} from '../src/cli/flags/commands/report.js'
import {attestPorts} from '../src/cli/ports/attest-ports.js'
import {readFleetFile} from '../src/cli/ports/fleet-file.js'
import {fleetPorts} from '../src/cli/ports/fleet-ports.js'
import {type FleetReport, reportFails} from '../src/fleet/report/outcome.js'
import {sourceDateEpoch} from '../src/oci/time.js'
import {applyFleet, type FleetPorts, type FleetRequest} from '../src/operations/fleet/apply.js'
import type {Ports} from '../src/ports.js'

export default class Apply extends BaseCommand {
  static override readonly summary = 'Make all images of a fleet file what the file says.'
  static override readonly description =
    "Each layer is packed once, sent once to each registry, and mounted in its other repositories. Images that are right already are left alone; where the vendor's tag has moved, the slots are put on the new image. An image that fails does not stop the others: each failure is named, and the exit code is 1. A run that was interrupted is finished by running it again."
  static override readonly examples = [
    {
      description: 'Bring every image of the file up to date:',
      command: '<%= config.bin %> <%= command.id %> -f fleet.yaml',
    },
    {
      description: 'Also take slots out that the file no longer has, and write a report:',
      command:
        '<%= config.bin %> <%= command.id %> -f fleet.yaml --prune --report fleet.json --report fleet.xml',
    },
    {
      description: 'The second of four parts, as a CI job runs it:',
      command: '<%= config.bin %> <%= command.id %> -f fleet.yaml --shard 2/4',
    },
  ]
  static override readonly flags = {
    ...fleetFlags,
    ...attestFlags,
    report: reportFlag(),
    ...strictFlag,
  }

  async run(): Promise<object> {
    const {flags} = await this.parse(Apply, withAttestValue(this.argv))
    return this.perform(
      flags,
      async (ports, onInterrupted) => {
        const report = await Apply.applied(flags, ports, {dryRun: false, onInterrupted})
        if (reportFails(report)) process.exitCode = 1
        return report
      },
      {
        line: () => undefined,
        ...reportOutputs(flags.report),
      },
    )
  }

  /** Reads the file and works on its images; with `dryRun` nothing is written. */
  static async applied(
    flags: Interfaces.InferredFlags<typeof fleetFlags & typeof attestFlags>,
    ports: Ports,
    {dryRun, onInterrupted}: Pick<FleetRequest, 'dryRun'> & Pick<FleetPorts, 'onInterrupted'>,
  ): Promise<FleetReport> {
    const read = await readFleetFile(flags.file, process.env)
    const {shard, prune, jobs, verify, 'max-failures': maxFailures} = flags
    const created = sourceDateEpoch(process.env['SOURCE_DATE_EPOCH'])
    const {fleet, file, folder: directory} = read
    const own = await fleetPorts(ports, process.env, {fleet: fleet.name, verify})
    const recorded = {...flags, fleet: fleet.name, 'fleet-file': file}
    const command = {name: 'apply', flags: recorded, directory, dryRun}
    const attest = await attestPorts(command, process.env, ports)
    return applyFleet(
      {...read, created, dryRun, prune, shard, jobs, maxFailures},
      {...own, ...attest, onInterrupted},
    )
  }
}
