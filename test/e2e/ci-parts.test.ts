import {execa} from 'execa'
import {chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {parse, parseAllDocuments} from 'yaml'
import {inject} from '../support/cli.js'
import {makeLayoutImage} from '../support/layout-image.js'
import {openRegistry} from '../support/open-registry.js'
import {programPath} from '../support/serve-command.js'
import {serveRegistry} from '../support/served-registry.js'
import {tempDir} from '../support/temp-dir.js'

type Values = Readonly<Record<string, string>>

/** An image in a registry, a directory, and a PATH that has inject. */
async function somePlace() {
  const folder = await tempDir()
  const {address} = await serveRegistry()
  const image = `${address}/team/app:v1`
  await inject(['copy', await makeLayoutImage(folder), image])
  mkdirSync(join(folder, 'tree'))
  writeFileSync(join(folder, 'tree/file'), 'content')
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  writeFileSync(
    join(bin, 'inject'),
    `#!/bin/sh\nexec "${process.execPath}" "${programPath}" "$@"\n`,
  )
  chmodSync(join(bin, 'inject'), 0o755)
  const git = (...args: string[]) =>
    execa('git', args, {cwd: folder, extendEnv: false, env: {PATH: process.env['PATH'] ?? ''}})
  await git('init', '-q')
  await git('-c', 'user.name=n', '-c', 'user.email=e', 'commit', '-qm', 'm', '--allow-empty')
  /** Runs a body as a runner would. */
  const run = (shell: readonly [string, ...string[]], body: string, env: Values) => {
    const file = join(folder, 'body')
    writeFileSync(file, body)
    return execa(shell[0], [...shell.slice(1), file], {
      cwd: folder,
      extendEnv: false,
      reject: false,
      timeout: 60_000,
      env: {PATH: `${bin}:${process.env['PATH'] ?? ''}`, HOME: folder, ...env},
    })
  }
  const digestOf = (tag: string) => openRegistry(address).store.statManifest(tag)
  const file = (name: string) => join(folder, name)
  return {folder, address, image, run, digestOf, file}
}

/** With what the user gave in place of the system's own expressions. */
const given = (text: string, expression: (name: string) => string, inputs: Values) =>
  Object.entries(inputs).reduce(
    (all, [name, value]) => all.replaceAll(expression(name), value),
    text,
  )

const marker = 'touched'
/** Flags that would run something if a shell evaluated them. */
const args = `--owner 0:0 --created-by $(touch\${IFS}${marker})`

const read = (path: string) => readFileSync(path, 'utf8')

interface Action {
  readonly inputs: Readonly<
    Record<
      string,
      {readonly description: string; readonly default?: string; readonly required?: boolean}
    >
  >
  readonly outputs: Readonly<Record<string, {readonly value: string}>>
  readonly runs: {
    readonly using: string
    readonly steps: readonly {
      readonly id?: string
      readonly shell: string
      readonly run: string
      readonly env: Values
    }[]
  }
}

describe('the action of GitHub', () => {
  const action = parse(read('ci/github/action.yml')) as Action
  const step = action.runs.steps.find(({id}) => id === 'update')!

  async function runStep(place: Awaited<ReturnType<typeof somePlace>>, inputs: Values) {
    const defaults = Object.entries(action.inputs).map(([name, {default: value = ''}]) => [
      name,
      value,
    ])
    const all = {...(Object.fromEntries(defaults) as Values), ...inputs}
    const env = Object.entries(step.env).map(([name, text]) => [
      name,
      given(text, (input) => `\${{ inputs.${input} }}`, all),
    ])
    const files = {GITHUB_OUTPUT: place.file('output'), GITHUB_STEP_SUMMARY: place.file('summary')}
    const shell = ['bash', '--noprofile', '--norc', '-eo', 'pipefail'] as const
    return place.run(shell, step.run, {...(Object.fromEntries(env) as Values), ...files})
  }

  it('has the shape of a composite action, and inputs reach its scripts by the environment only', () => {
    expect(action.runs.using).toBe('composite')
    for (const {shell, run} of action.runs.steps) {
      expect(shell).toBe('bash')
      expect(run).not.toContain('${{')
    }
    for (const {description} of Object.values(action.inputs)) expect(description).toMatch(/\.$/)
    expect(Object.keys(action.outputs)).toEqual(['digest', 'reference', 'changed'])
    for (const [name, {value}] of Object.entries(action.outputs))
      expect(value).toBe(`\${{ steps.update.outputs.${name} }}`)
  })

  it('updates the image, sets outputs, and shows what changed', async () => {
    const place = await somePlace()
    const inputs = {image: place.image, directory: 'tree', tag: 'new', slot: 'models', args}
    const {exitCode, stderr} = await runStep(place, inputs)
    expect([exitCode, stderr]).toEqual([0, expect.any(String)])
    const digest = await place.digestOf('new')
    const reference = `${place.address}/team/app@${digest}`
    expect(read(place.file('output'))).toBe(
      `digest=${digest}\nreference=${reference}\nchanged=true\n`,
    )
    expect(read(place.file('summary'))).toContain('### What differs')
    expect(existsSync(place.file(marker))).toBe(false)

    writeFileSync(place.file('output'), '')
    const again = await runStep(place, {...inputs, image: place.image.replace('v1', 'new')})
    expect(again.exitCode).toBe(0)
    expect(read(place.file('output'))).toContain('changed=false\n')
  })

  it('fails as inject does', async () => {
    const place = await somePlace()
    const {exitCode} = await runStep(place, {
      image: place.image.replace('v1', 'no'),
      directory: 'tree',
    })
    expect(exitCode).toBe(4)
  })
})

it('the component of GitLab has inputs, and its script leaves a dotenv report', async () => {
  const [spec, jobs] = parseAllDocuments(read('ci/gitlab/templates/inject/template.yml')).map(
    (document) => document.toJS() as Record<string, unknown>,
  )
  const {inputs} = spec!['spec'] as {inputs: Record<string, {default?: string}>}
  const job = jobs!['$[[ inputs.job ]]'] as {
    variables: Values
    script: string[]
    artifacts: {reports: {dotenv: string}}
  }
  const text = JSON.stringify(jobs)
  for (const [, name] of text.matchAll(/\$\[\[ inputs\.([\w-]+) \]\]/g))
    expect(Object.keys(inputs)).toContain(name)
  expect(job.script.join('\n')).not.toContain('$[[')

  const place = await somePlace()
  const values = {image: place.image, directory: 'tree', tag: 'new', platform: '', slot: '', args}
  const variables = Object.entries(job.variables).map(([name, value]) => [
    name,
    given(value, (input) => `$[[ inputs.${input} ]]`, values).replace(
      '$CI_PROJECT_DIR',
      place.folder,
    ),
  ])
  const env = {
    ...(Object.fromEntries(variables) as Values),
    ...{INJECT_USERNAME: '', INJECT_PASSWORD: '', CI_COMMIT_TIMESTAMP: '2026-01-31T12:00:00+01:00'},
  }
  const {exitCode, stderr} = await place.run(['sh', '-e'], job.script.join('\n'), env)
  expect([exitCode, stderr]).toEqual([0, expect.any(String)])
  expect(read(place.file(job.artifacts.reports.dotenv))).toContain(
    `INJECT_DIGEST=${await place.digestOf('new')}\n`,
  )
  expect(existsSync(place.file(marker))).toBe(false)
})

it('the pipeline of Jenkins leaves the digest in the file that it archives', async () => {
  const text = read('ci/jenkins/Jenkinsfile')
  const [, body = ''] = /sh '''([^]*?)'''/.exec(text) ?? []
  expect(text.match(/[{(]/g)?.length).toBe(text.match(/[})]/g)?.length)
  expect(text).toContain("archiveArtifacts 'digest.txt'")
  const place = await somePlace()
  const {exitCode} = await place.run(['sh', '-xe'], body, {IMAGE: place.image, DIRECTORY: 'tree'})
  expect(exitCode).toBe(0)
  expect(read(place.file('digest.txt')).trim()).toBe(await place.digestOf('v1'))
})

it('the task of Tekton has a result for each output', async () => {
  const task = parse(read('ci/tekton/task.yaml')) as {
    apiVersion: string
    kind: string
    spec: {
      params: {name: string; type: string}[]
      results: {name: string}[]
      steps: {script: string; env: {name: string; value: string}[]}[]
    }
  }
  expect(task).toMatchObject({apiVersion: 'tekton.dev/v1', kind: 'Task'})
  expect(task.spec.params.every(({type}) => type === 'string')).toBe(true)
  const [step] = task.spec.steps
  expect(step!.script).not.toContain('$(params')
  const place = await somePlace()
  const values = {image: place.image, directory: 'tree', tag: 'new', platform: '', slot: '', args}
  const env = step!.env.map(({name, value}) => [
    name,
    given(value, (param) => `$(params.${param})`, values).replace(/^\$\(workspaces.*/, ''),
  ])
  const body = step!.script.replaceAll(/\$\(results\.(\w+)\.path\)/g, (_, name: string) =>
    place.file(name),
  )
  const {exitCode, stderr} = await place.run(['sh'], body, Object.fromEntries(env) as Values)
  expect([exitCode, stderr]).toEqual([0, expect.any(String)])
  const digest = await place.digestOf('new')
  const results = task.spec.results.map(({name}) => read(place.file(name)))
  expect(results).toEqual([digest, `${place.address}/team/app@${digest}`, 'true'])
  expect(existsSync(place.file(marker))).toBe(false)
})

it('the template of Argo has a file for each output parameter', async () => {
  const template = parse(read('ci/argo/workflow-template.yaml')) as {
    apiVersion: string
    kind: string
    spec: {
      templates: {
        outputs: {parameters: {name: string; valueFrom: {path: string}}[]}
        script: {source: string; env: {name: string; value?: string}[]}
      }[]
    }
  }
  expect(template).toMatchObject({apiVersion: 'argoproj.io/v1alpha1', kind: 'WorkflowTemplate'})
  const [{outputs, script} = {outputs: {parameters: []}, script: {source: '', env: []}}] =
    template.spec.templates
  expect(script.source).not.toContain('{{')
  const place = await somePlace()
  const values = {image: place.image, tag: 'new', platform: '', slot: '', args}
  const env = script.env
    .filter(({value}) => value !== undefined)
    .map(({name, value = ''}) => [
      name,
      given(value, (input) => `{{inputs.parameters.${input}}}`, values).replace(
        '/mnt',
        place.folder,
      ),
    ])
  const body = script.source.replaceAll('/tmp/', `${place.folder}/`)
  const {exitCode, stderr} = await place.run(['sh'], body, Object.fromEntries(env) as Values)
  expect([exitCode, stderr]).toEqual([0, expect.any(String)])
  const digest = await place.digestOf('new')
  const found = outputs.parameters.map(({valueFrom}) =>
    read(valueFrom.path.replace('/tmp/', `${place.folder}/`)),
  )
  expect(found).toEqual([digest, `${place.address}/team/app@${digest}`, 'true'])
  expect(existsSync(place.file(marker))).toBe(false)
})
