import {type FleetJob, jobName, shardCommand} from './job.js'

const checkout = {uses: 'actions/checkout@v4', with: {'persist-credentials': false}}

/**
 * A workflow: the shards by a matrix, and a job that joins their reports.
 * https://docs.github.com/actions/writing-workflows/workflow-syntax-for-github-actions
 */
export function githubWorkflow(job: FleetJob): object {
  const name = jobName(job.fleet)
  const machine = {
    'runs-on': 'ubuntu-24.04',
    ...(job.image !== undefined && {container: job.image}),
  }
  return {
    name,
    on: {workflow_dispatch: {}},
    permissions: {contents: 'read'},
    concurrency: {group: name, 'cancel-in-progress': false},
    jobs: {
      apply: {
        ...machine,
        strategy: {
          'fail-fast': false,
          matrix: {shard: Array.from({length: job.shards}, (_, at) => at + 1)},
        },
        steps: [checkout, ...loginSteps(job), ...shardSteps(job, name)],
      },
      report: {...machine, needs: 'apply', if: '${{ !cancelled() }}', steps: reportSteps(name)},
    },
  }
}

/** The secret goes into a file that only the job can read. */
function loginSteps({secret}: FleetJob): object[] {
  if (secret === undefined) return []
  const lines = [
    'umask 077',
    'printf "%s" "$CREDENTIALS" > "$RUNNER_TEMP/auth.json"',
    'echo "REGISTRY_AUTH_FILE=$RUNNER_TEMP/auth.json" >> "$GITHUB_ENV"',
  ]
  return [
    {
      name: 'Credentials of the registries',
      env: {CREDENTIALS: `\${{ secrets.${secret} }}`},
      run: `${lines.join('\n')}\n`,
    },
  ]
}

function shardSteps(job: FleetJob, name: string): object[] {
  const artifact = {
    name: `${name}-shard-\${{ matrix.shard }}`,
    path: 'reports/',
    overwrite: true,
    'if-no-files-found': 'ignore',
  }
  return [
    {
      name: 'Apply a shard of the fleet',
      env: {SHARD: '${{ matrix.shard }}'},
      run: `mkdir -p reports\n${shardCommand(job, '$SHARD')}\n`,
    },
    {if: '${{ !cancelled() }}', uses: 'actions/upload-artifact@v4', with: artifact},
  ]
}

function reportSteps(name: string): object[] {
  const download = {pattern: `${name}-shard-*`, path: 'reports', 'merge-multiple': true}
  const join =
    'inject fleet report reports/*.json --report fleet.json --report fleet.xml --markdown'
  const result = {name: `${name}-report`, path: 'fleet.json\nfleet.xml\n', overwrite: true}
  return [
    {uses: 'actions/download-artifact@v4', with: download},
    {name: 'Join the reports', run: `${join} >> "$GITHUB_STEP_SUMMARY"`},
    {if: '${{ !cancelled() }}', uses: 'actions/upload-artifact@v4', with: result},
  ]
}
