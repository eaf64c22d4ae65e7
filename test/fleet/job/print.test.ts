import * as v from 'valibot'
import {describe, expect, it} from 'vitest'
import {parse} from 'yaml'
import type {FleetJob, JobEngine} from '../../../src/fleet/job/job.js'
import {printJob} from '../../../src/fleet/job/print.js'
import {thrownBy} from '../../support/thrown-by.js'

const job: FleetJob = {
  fleet: 'Certs & agents',
  file: 'fleets/certs.yaml',
  shards: 3,
  image: 'registry.example/tools/inject:0.1.0',
  secret: undefined,
  claim: 'fleet',
}
const printed = (engine: JobEngine, more: Partial<FleetJob> = {}): unknown =>
  parse(printJob({...job, ...more}, engine), {strict: true})

/** Text in which the shell sees one command a line, and nothing of a secret. */
const script = v.pipe(v.string(), v.excludes('secrets.'))
const name = v.pipe(v.string(), v.regex(/^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/))

describe('the job file for Kubernetes', () => {
  // https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/job-v1/
  const labels = v.record(v.string(), v.pipe(v.string(), v.maxLength(63)))
  const mount = v.strictObject({
    name,
    mountPath: v.pipe(v.string(), v.startsWith('/')),
    readOnly: v.optional(v.boolean()),
  })
  const container = v.strictObject({
    name,
    image: v.string(),
    workingDir: v.string(),
    command: v.tuple([v.literal('/bin/sh'), v.literal('-c')]),
    args: v.tuple([script]),
    env: v.array(v.strictObject({name: v.string(), value: v.string()})),
    resources: v.strictObject({
      requests: v.strictObject({cpu: v.string(), memory: v.string()}),
      limits: v.strictObject({memory: v.string()}),
    }),
    securityContext: v.strictObject({
      allowPrivilegeEscalation: v.literal(false),
      readOnlyRootFilesystem: v.literal(true),
      capabilities: v.strictObject({drop: v.tuple([v.literal('ALL')])}),
    }),
    volumeMounts: v.array(mount),
  })
  const volume = v.union([
    v.strictObject({name, persistentVolumeClaim: v.strictObject({claimName: v.string()})}),
    v.strictObject({name, emptyDir: v.strictObject({})}),
    v.strictObject({
      name,
      secret: v.strictObject({
        secretName: v.string(),
        defaultMode: v.pipe(v.number(), v.maxValue(0o777)),
        items: v.array(v.strictObject({key: v.string(), path: v.string()})),
      }),
    }),
  ])
  const pod = v.strictObject({
    restartPolicy: v.literal('Never'),
    automountServiceAccountToken: v.boolean(),
    securityContext: v.strictObject({
      runAsNonRoot: v.literal(true),
      runAsUser: v.number(),
      runAsGroup: v.number(),
      fsGroup: v.number(),
      seccompProfile: v.strictObject({type: v.literal('RuntimeDefault')}),
    }),
    containers: v.tuple([container]),
    volumes: v.array(volume),
  })
  const shape = v.strictObject({
    apiVersion: v.literal('batch/v1'),
    kind: v.literal('Job'),
    metadata: v.strictObject({
      generateName: v.pipe(v.string(), v.regex(/^[a-z0-9][-a-z0-9]*-$/), v.maxLength(58)),
      labels,
    }),
    spec: v.strictObject({
      completionMode: v.literal('Indexed'),
      completions: v.pipe(v.number(), v.integer()),
      parallelism: v.pipe(v.number(), v.integer()),
      backoffLimit: v.pipe(v.number(), v.integer()),
      ttlSecondsAfterFinished: v.pipe(v.number(), v.integer()),
      template: v.strictObject({metadata: v.strictObject({labels}), spec: pod}),
    }),
  })

  it('is an Indexed Job with a pod for each shard', () => {
    const {metadata, spec} = v.parse(shape, printed('kubernetes'))
    expect(metadata.generateName).toBe('fleet-certs-agents-')
    expect(spec).toMatchObject({completions: 3, parallelism: 3})
    const [{args, env}] = spec.template.spec.containers
    expect(args[0]).toBe(
      'set -eu\nshard=$((JOB_COMPLETION_INDEX + 1))\nmkdir -p reports\nexec inject apply -f fleets/certs.yaml --shard "$shard/3" --report "reports/shard-$shard.json"\n',
    )
    expect(env.map((each) => each.name)).toEqual(['HOME'])
  })

  it('mounts every volume that it has, and the secret by its name', () => {
    const {spec} = v.parse(shape, printed('kubernetes', {secret: 'registry-auth', claim: 'certs'}))
    const {containers, volumes} = spec.template.spec
    expect(containers[0].volumeMounts.map((each) => each.name)).toEqual(
      volumes.map((each) => each.name),
    )
    expect(volumes).toContainEqual({name: 'fleet', persistentVolumeClaim: {claimName: 'certs'}})
    expect(volumes).toContainEqual({
      name: 'auth',
      secret: {
        secretName: 'registry-auth',
        defaultMode: 0o440,
        items: [{key: '.dockerconfigjson', path: 'config.json'}],
      },
    })
    expect(containers[0].env).toContainEqual({
      name: 'REGISTRY_AUTH_FILE',
      value: '/auth/config.json',
    })
  })
})

describe('the job file for GitLab', () => {
  // https://gitlab.com/gitlab-org/gitlab/-/raw/master/app/assets/javascripts/editor/schema/ci.json
  const artifacts = v.strictObject({
    when: v.picklist(['on_success', 'on_failure', 'always']),
    paths: v.array(v.string()),
    reports: v.optional(v.strictObject({junit: v.string()})),
    expire_in: v.string(),
  })
  const common = {image: v.optional(v.string()), script: v.array(script), artifacts}
  const shard = v.strictObject({
    ...common,
    stage: v.literal('deploy'),
    parallel: v.pipe(v.number(), v.minValue(1), v.maxValue(200)),
    variables: v.optional(v.record(v.string(), v.string())),
    retry: v.strictObject({max: v.picklist([0, 1, 2]), when: v.array(v.string())}),
    interruptible: v.boolean(),
  })
  const report = v.strictObject({
    ...common,
    stage: v.literal('.post'),
    needs: v.tuple([v.strictObject({job: v.string(), artifacts: v.literal(true)})]),
    when: v.literal('always'),
  })
  const shape = v.strictObject({'fleet-certs-agents': shard, 'fleet-certs-agents-report': report})

  it('is the shards, and a job that joins their reports whatever became of them', () => {
    const jobs = v.parse(shape, printed('gitlab'))
    expect(jobs['fleet-certs-agents']).toMatchObject({
      image: 'registry.example/tools/inject:0.1.0',
      parallel: 3,
      script: [
        'mkdir -p reports',
        'inject apply -f fleets/certs.yaml --shard "$CI_NODE_INDEX/3" --report "reports/shard-$CI_NODE_INDEX.json"',
      ],
    })
    expect(jobs['fleet-certs-agents-report'].needs[0].job).toBe('fleet-certs-agents')
  })

  it('names the variable that holds the credentials file', () => {
    const jobs = v.parse(shape, printed('gitlab', {secret: 'FLEET_AUTH', image: undefined}))
    expect(jobs['fleet-certs-agents'].variables).toEqual({REGISTRY_AUTH_FILE: '$FLEET_AUTH'})
    expect(jobs['fleet-certs-agents'].image).toBeUndefined()
  })
})

describe('the job file for GitHub', () => {
  // https://json.schemastore.org/github-workflow.json
  const step = v.union([
    v.strictObject({
      if: v.optional(v.string()),
      uses: v.pipe(v.string(), v.regex(/^actions\/[a-z-]+@v\d+$/)),
      with: v.record(v.string(), v.union([v.string(), v.boolean()])),
    }),
    v.strictObject({
      name: v.string(),
      env: v.optional(v.record(v.string(), v.string())),
      run: script,
    }),
  ])
  const machine = {
    'runs-on': v.string(),
    container: v.optional(v.string()),
    steps: v.array(step),
  }
  const shape = v.strictObject({
    name: v.string(),
    on: v.strictObject({workflow_dispatch: v.strictObject({})}),
    permissions: v.strictObject({contents: v.literal('read')}),
    concurrency: v.strictObject({group: v.string(), 'cancel-in-progress': v.boolean()}),
    jobs: v.strictObject({
      apply: v.strictObject({
        ...machine,
        strategy: v.strictObject({
          'fail-fast': v.literal(false),
          matrix: v.strictObject({shard: v.pipe(v.array(v.number()), v.maxLength(256))}),
        }),
      }),
      report: v.strictObject({...machine, needs: v.literal('apply'), if: v.string()}),
    }),
  })

  it('is a matrix, and a job that joins the reports whatever became of them', () => {
    const {jobs} = v.parse(shape, printed('github'))
    expect(jobs.apply.strategy.matrix.shard).toEqual([1, 2, 3])
    expect(jobs.apply.steps).toContainEqual({
      name: 'Apply a shard of the fleet',
      env: {SHARD: '${{ matrix.shard }}'},
      run: 'mkdir -p reports\ninject apply -f fleets/certs.yaml --shard "$SHARD/3" --report "reports/shard-$SHARD.json"\n',
    })
    expect(jobs.report.if).toBe('${{ !cancelled() }}')
    expect(JSON.stringify(jobs.report.steps)).toContain('inject fleet report reports/*.json')
  })

  it('has the secret in one step, by its name, and not in its commands', () => {
    const {jobs} = v.parse(shape, printed('github', {secret: 'REGISTRY_AUTH', image: undefined}))
    const using = jobs.apply.steps.filter((each) => JSON.stringify(each).includes('secrets.'))
    expect(using).toMatchObject([{env: {CREDENTIALS: '${{ secrets.REGISTRY_AUTH }}'}}])
    expect(JSON.stringify(jobs.report)).not.toContain('secrets.')
    expect(jobs.apply.container).toBeUndefined()
  })
})

describe('printJob', () => {
  it.each<[JobEngine, Partial<FleetJob>, string]>([
    ['kubernetes', {image: undefined}, 'a Kubernetes job needs an image with inject'],
    ['kubernetes', {shards: 1001}, 'kubernetes runs at most 1000 shards'],
    ['kubernetes', {secret: 'Auth'}, '--secret "Auth" is not the name of a secret'],
    ['kubernetes', {claim: 'a b'}, '--claim "a b" is not the name of a volume claim'],
    ['gitlab', {shards: 201}, 'gitlab runs at most 200 shards'],
    ['gitlab', {secret: 'a-b'}, '--secret "a-b" is not the name of a secret'],
    ['github', {shards: 257}, 'github runs at most 256 shards'],
    ['github', {image: 'A B'}, '--image "A B" is not an image'],
    ['github', {file: 'a b.yaml'}, 'the job cannot name "a b.yaml"'],
    ['github', {file: '${{x}}.yaml'}, 'the job cannot name "${{x}}.yaml"'],
    ['gitlab', {file: '$(reboot)'}, 'the job cannot name "$(reboot)"'],
    ['gitlab', {file: '-x'}, 'the job cannot name "-x"'],
    [
      'gitlab',
      {file: '/etc/fleet.yaml'},
      `"/etc/fleet.yaml" is not a path within the job's folder`,
    ],
    ['gitlab', {file: 'a/../../b'}, `"a/../../b" is not a path within the job's folder`],
  ])('refuses for %s %j', (engine, more, message) => {
    expect(thrownBy(() => printJob({...job, ...more}, engine))).toMatchObject({
      code: 'ERR_INJECT_FLEET_JOB_INVALID',
      message,
    })
  })

  it.each(['kubernetes', 'gitlab', 'github'] as const)('says in %s what it is for', (engine) => {
    expect(printJob(job, engine)).toMatch(/^# Runs the fleet of fleets\/certs\.yaml in 3 shards; /)
  })
})
