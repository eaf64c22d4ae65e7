import {plainUrl} from './plain-url.js'

/** A run of a CI system, as far as its variables tell. Nothing in it is secret. */
export interface CiRun {
  readonly system: 'github' | 'gitlab' | 'jenkins' | 'tekton'
  /** A URI of what ran: a workflow, a project, a job. */
  readonly builder: string
  /** A URI of this run. */
  readonly invocation: string
  readonly commit?: string
  readonly ref?: string
  /** The repository that the run belongs to. */
  readonly repository?: string
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The CI run that these variables are of; `undefined` outside of the systems that are known.
 * https://docs.github.com/actions/reference/variables-reference
 * https://docs.gitlab.com/ci/variables/predefined_variables/
 * https://www.jenkins.io/doc/book/pipeline/jenkinsfile/#using-environment-variables
 * Tekton sets no variables: docs/provenance.md says which ones a task passes on.
 */
export function ciRunIn(env: Environment): CiRun | undefined {
  if (env['GITHUB_ACTIONS'] === 'true') return github(env)
  if (env['GITLAB_CI'] === 'true') return gitlab(env)
  if (env['JENKINS_URL'] !== undefined) return jenkins(env)
  return env['TEKTON_TASK_RUN'] === undefined ? undefined : tekton(env, env['TEKTON_TASK_RUN'])
}

function github(env: Environment): CiRun {
  const server = plainUrl(env['GITHUB_SERVER_URL'] ?? '') ?? 'https://github.com/'
  const {GITHUB_REPOSITORY: name = 'unknown', GITHUB_RUN_ATTEMPT: attempt = '1'} = env
  const repository = new URL(name, server).href
  return {
    system: 'github',
    builder: new URL(env['GITHUB_WORKFLOW_REF'] ?? name, server).href,
    invocation: `${repository}/actions/runs/${env['GITHUB_RUN_ID'] ?? ''}/attempts/${attempt}`,
    repository,
    ...revision(env['GITHUB_SHA'], env['GITHUB_REF']),
  }
}

function gitlab(env: Environment): CiRun {
  const repository = plainUrl(env['CI_PROJECT_URL'] ?? '') ?? 'https://gitlab.com/'
  return {
    system: 'gitlab',
    builder: `${repository}/-/runners/${env['CI_RUNNER_ID'] ?? ''}`,
    invocation: plainUrl(env['CI_JOB_URL'] ?? '') ?? repository,
    repository,
    ...revision(env['CI_COMMIT_SHA'], env['CI_COMMIT_REF_NAME']),
  }
}

function jenkins(env: Environment): CiRun {
  const server = plainUrl(env['JENKINS_URL'] ?? '') ?? 'https://jenkins.invalid/'
  const repository = plainUrl(env['GIT_URL'] ?? '')
  return {
    system: 'jenkins',
    builder: plainUrl(env['JOB_URL'] ?? '') ?? server,
    invocation: plainUrl(env['BUILD_URL'] ?? '') ?? server,
    ...(repository !== undefined && {repository}),
    ...revision(env['GIT_COMMIT'], env['GIT_BRANCH']),
  }
}

function tekton(env: Environment, task: string): CiRun {
  const path = [env['TEKTON_NAMESPACE'], env['TEKTON_PIPELINE_RUN'], task]
  return {
    system: 'tekton',
    builder: 'https://tekton.dev/chains/v2',
    invocation: `tekton:${path.filter((part) => part !== undefined).join('/')}`,
  }
}

function revision(commit: string | undefined, ref: string | undefined) {
  return {...(commit !== undefined && {commit}), ...(ref !== undefined && {ref})}
}
