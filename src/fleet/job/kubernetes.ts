import {type FleetJob, jobName, shardCommand} from './job.js'

/** Where the claim with the fleet file is, and where the credentials are. */
const folder = '/fleet'
const authFolder = '/auth'

/**
 * An Indexed Job: one pod for each shard, by `JOB_COMPLETION_INDEX`. The reports are written to the
 * claim. https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode
 */
export function kubernetesJob(job: FleetJob): object {
  const name = jobName(job.fleet)
  const labels = {'app.kubernetes.io/name': 'inject', 'app.kubernetes.io/instance': name}
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    // a Job runs once: each run is a new one
    metadata: {generateName: `${name}-`, labels},
    spec: {
      completionMode: 'Indexed',
      completions: job.shards,
      parallelism: job.shards,
      // shards that are run again finish what is not done
      backoffLimit: job.shards,
      ttlSecondsAfterFinished: 86_400,
      template: {
        metadata: {labels},
        spec: {
          restartPolicy: 'Never',
          automountServiceAccountToken: false,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: 1000,
            runAsGroup: 1000,
            fsGroup: 1000,
            seccompProfile: {type: 'RuntimeDefault'},
          },
          containers: [container(job)],
          volumes: volumes(job),
        },
      },
    },
  }
}

function container(job: FleetJob): object {
  // the index counts from 0, shards from 1
  const lines = [
    'set -eu',
    'shard=$((JOB_COMPLETION_INDEX + 1))',
    'mkdir -p reports',
    `exec ${shardCommand(job, '$shard')}`,
  ]
  return {
    name: 'inject',
    image: job.image,
    workingDir: folder,
    command: ['/bin/sh', '-c'],
    args: [`${lines.join('\n')}\n`],
    env: [
      {name: 'HOME', value: '/tmp'},
      ...(job.secret === undefined
        ? []
        : [{name: 'REGISTRY_AUTH_FILE', value: `${authFolder}/config.json`}]),
    ],
    resources: {requests: {cpu: '500m', memory: '256Mi'}, limits: {memory: '1Gi'}},
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: {drop: ['ALL']},
    },
    volumeMounts: [
      {name: 'fleet', mountPath: folder},
      {name: 'tmp', mountPath: '/tmp'},
      ...(job.secret === undefined ? [] : [{name: 'auth', mountPath: authFolder, readOnly: true}]),
    ],
  }
}

function volumes({claim, secret}: FleetJob): object[] {
  // https://kubernetes.io/docs/concepts/configuration/secret/#docker-config-secrets
  const items = [{key: '.dockerconfigjson', path: 'config.json'}]
  return [
    {name: 'fleet', persistentVolumeClaim: {claimName: claim}},
    {name: 'tmp', emptyDir: {}},
    ...(secret === undefined
      ? []
      : [{name: 'auth', secret: {secretName: secret, defaultMode: 0o440, items}}]),
  ]
}
