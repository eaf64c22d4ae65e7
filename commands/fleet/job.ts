import {Flags} from '@oclif/core'
import {BaseCommand} from '../../src/cli/base-command.js'
import {commonFlags} from '../../src/cli/flags/common.js'
import {readFleetFile} from '../../src/cli/ports/fleet-file.js'
import {jobEngines, type JobEngine} from '../../src/fleet/job/job.js'
import {printJob} from '../../src/fleet/job/print.js'

const oneEngine = {exactlyOne: [...jobEngines]}

export default class FleetJob extends BaseCommand {
  static override readonly summary = 'Print the job file that runs a fleet in several shards.'
  static override readonly description =
    'Each shard runs inject apply on its part of the repositories, and writes a report; inject fleet report joins the reports. Credentials are never in the file: it names a secret of the engine that holds a credentials file.'
  static override readonly examples = [
    {
      description: 'A workflow for GitHub, with four jobs:',
      command:
        '<%= config.bin %> <%= command.id %> --github -f fleet.yaml --shards 4 --secret REGISTRY_AUTH',
    },
    {
      description: 'Jobs for GitLab:',
      command:
        '<%= config.bin %> <%= command.id %> --gitlab -f fleet.yaml --shards 8 --image registry.example/tools/inject:0.1.0',
    },
    {
      description: 'An Indexed Job for Kubernetes:',
      command:
        '<%= config.bin %> <%= command.id %> --kubernetes -f fleet.yaml --shards 16 --image registry.example/tools/inject:0.1.0 --secret registry-auth --claim fleet',
    },
  ]
  // there is no registry to log in to
  static override readonly baseFlags = commonFlags as typeof BaseCommand.baseFlags
  static override readonly flags = {
    file: Flags.string({
      char: 'f',
      required: true,
      helpValue: 'FLEET.yaml',
      summary: 'The fleet file, by its path in the repository or on the volume.',
    }),
    shards: Flags.integer({
      required: true,
      min: 1,
      helpValue: 'N',
      summary: 'How many jobs the fleet is divided into.',
    }),
    kubernetes: Flags.boolean({summary: 'Print an Indexed Job.', ...oneEngine}),
    gitlab: Flags.boolean({summary: 'Print jobs of a GitLab pipeline.', ...oneEngine}),
    github: Flags.boolean({summary: 'Print a GitHub workflow.', ...oneEngine}),
    image: Flags.string({
      helpValue: 'IMAGE',
      summary: 'Image with inject and a shell (default: inject is on the machine).',
    }),
    secret: Flags.string({
      helpValue: 'NAME',
      summary: "Name of the engine's secret that holds a credentials file.",
    }),
    claim: Flags.string({
      default: 'fleet',
      helpValue: 'NAME',
      summary: 'Volume claim of Kubernetes with the fleet file and its directories.',
    }),
  }

  async run(): Promise<object> {
    const {flags} = await this.parse(FleetJob)
    const {file, shards, image, secret, claim} = flags
    const engine = engineOf(flags)
    return this.perform(
      flags,
      async () => {
        const {name: fleet} = (await readFleetFile(file, process.env)).fleet
        const job = printJob({fleet, file, shards, image, secret, claim}, engine)
        return {fleet, engine, shards, job}
      },
      {line: ({job}) => job},
    )
  }
}

function engineOf(flags: Readonly<Record<JobEngine, boolean>>): JobEngine {
  return jobEngines.find((engine) => flags[engine]) ?? 'kubernetes'
}
