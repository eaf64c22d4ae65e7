import {describe, expect, it} from 'vitest'
import {ciRunIn} from '../../src/attest/ci-run.js'
import {plainUrl} from '../../src/attest/plain-url.js'

describe('a CI run', () => {
  it('of GitHub', () => {
    expect(
      ciRunIn({
        GITHUB_ACTIONS: 'true',
        GITHUB_SERVER_URL: 'https://github.com',
        GITHUB_REPOSITORY: 'team/app',
        GITHUB_RUN_ID: '7',
        GITHUB_RUN_ATTEMPT: '2',
        GITHUB_WORKFLOW_REF: 'team/app/.github/workflows/data.yml@refs/heads/main',
        GITHUB_SHA: 'abc',
        GITHUB_REF: 'refs/heads/main',
        GITHUB_TOKEN: 'c4nary',
      }),
    ).toEqual({
      system: 'github',
      builder: 'https://github.com/team/app/.github/workflows/data.yml@refs/heads/main',
      invocation: 'https://github.com/team/app/actions/runs/7/attempts/2',
      repository: 'https://github.com/team/app',
      commit: 'abc',
      ref: 'refs/heads/main',
    })
  })

  it('of GitLab, without the token in an address', () => {
    expect(
      ciRunIn({
        GITLAB_CI: 'true',
        CI_PROJECT_URL: 'https://gitlab-ci-token:c4nary@gitlab.example/team/app',
        CI_JOB_URL: 'https://gitlab.example/team/app/-/jobs/7',
        CI_RUNNER_ID: '3',
        CI_COMMIT_SHA: 'abc',
        CI_COMMIT_REF_NAME: 'main',
        CI_JOB_TOKEN: 'c4nary',
      }),
    ).toEqual({
      system: 'gitlab',
      builder: 'https://gitlab.example/team/app/-/runners/3',
      invocation: 'https://gitlab.example/team/app/-/jobs/7',
      repository: 'https://gitlab.example/team/app',
      commit: 'abc',
      ref: 'main',
    })
  })

  it('of Jenkins', () => {
    expect(
      ciRunIn({
        JENKINS_URL: 'https://ci.example/',
        JOB_URL: 'https://ci.example/job/data/',
        BUILD_URL: 'https://ci.example/job/data/7/',
        GIT_URL: 'https://user:c4nary@git.example/team/app.git',
        GIT_COMMIT: 'abc',
      }),
    ).toEqual({
      system: 'jenkins',
      builder: 'https://ci.example/job/data/',
      invocation: 'https://ci.example/job/data/7/',
      repository: 'https://git.example/team/app.git',
      commit: 'abc',
    })
  })

  it('of Tekton, as far as the task passes it on', () => {
    const env = {TEKTON_TASK_RUN: 'data-x', TEKTON_PIPELINE_RUN: 'p', TEKTON_NAMESPACE: 'ci'}
    expect(ciRunIn(env)).toEqual({
      system: 'tekton',
      builder: 'https://tekton.dev/chains/v2',
      invocation: 'tekton:ci/p/data-x',
    })
  })

  it('does not exist elsewhere, and has addresses even where variables are missing', () => {
    expect(ciRunIn({CI: 'true'})).toBeUndefined()
    for (const env of [{GITHUB_ACTIONS: 'true'}, {GITLAB_CI: 'true'}, {JENKINS_URL: 'x'}])
      expect(ciRunIn(env)?.builder).toMatch(/^https:\/\//)
  })
})

describe('an address without what may be secret', () => {
  it.each([
    ['https://user:secret@git.example/a.git?token=x#y', 'https://git.example/a.git'],
    ['ssh://git@git.example:22/a.git', 'ssh://git.example:22/a.git'],
    ['git@git.example:team/a.git', 'ssh://git.example/team/a.git'],
    ['git.example:team/a.git', 'ssh://git.example/team/a.git'],
    ['https://git.example/a', 'https://git.example/a'],
    ['file:///home/user/a', undefined],
    ['/home/user/a', undefined],
    ['../a', undefined],
    ['ext::sh -c id', undefined],
    ['', undefined],
  ])('of %j', (text, plain) => {
    expect(plainUrl(text)).toBe(plain)
  })
})
