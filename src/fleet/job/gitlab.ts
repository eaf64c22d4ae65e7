import {type FleetJob, jobName, shardCommand} from './job.js'

/**
 * Two jobs for a pipeline: the shards by `parallel:`, and one that joins their reports.
 * https://docs.gitlab.com/ci/yaml/#parallel
 */
export function gitlabJobs(job: FleetJob): object {
  const name = jobName(job.fleet)
  const image = job.image === undefined ? {} : {image: job.image}
  return {
    [name]: {
      stage: 'deploy',
      ...image,
      parallel: job.shards,
      // a variable of type file: its value is the path of the file
      ...(job.secret !== undefined && {variables: {REGISTRY_AUTH_FILE: `$${job.secret}`}}),
      script: ['mkdir -p reports', shardCommand(job, '$CI_NODE_INDEX')],
      retry: {max: 1, when: ['runner_system_failure', 'stuck_or_timeout_failure']},
      interruptible: false,
      artifacts: {when: 'always', paths: ['reports/'], expire_in: '1 week'},
    },
    [`${name}-report`]: {
      stage: '.post',
      ...image,
      needs: [{job: name, artifacts: true}],
      when: 'always',
      script: [
        'inject fleet report reports/*.json --report fleet.json --report fleet.md --report fleet.xml',
      ],
      artifacts: {
        when: 'always',
        paths: ['fleet.json', 'fleet.md'],
        reports: {junit: 'fleet.xml'},
        expire_in: '1 week',
      },
    },
  }
}
