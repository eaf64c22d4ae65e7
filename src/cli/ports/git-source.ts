import {relative, sep} from 'node:path'
import {realpath} from 'node:fs/promises'
import {plainUrl} from '../../attest/plain-url.js'
import type {SourceFacts} from '../../attest/provenance.js'

/** Milliseconds. */
const timeout = 20_000
const largestOutput = 1024 * 1024

/**
 * The git repository that a directory is in, as `git` itself tells; `undefined` without one,
 * without git, and for one that git refuses to look into, such as another user's. Hooks and
 * monitors that the repository names are not run; filters are, as in any `git status`.
 */
export async function gitSource(
  directory: string,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<SourceFacts | undefined> {
  const git = createGit(directory, env, signal)
  const [top, commit] = await Promise.all([
    git('rev-parse', '--show-toplevel'),
    git('rev-parse', '--verify', 'HEAD^{commit}'),
  ])
  if (top === undefined || !/^[0-9a-f]{40,64}$/.test(commit ?? '')) return undefined
  const [remote, status, real] = await Promise.all([
    git('config', '--get', 'remote.origin.url'),
    git('status', '--porcelain', '--untracked-files=normal', '--', '.'),
    realpath(directory),
  ])
  const path = relative(top, real).split(sep).join('/')
  return {
    commit: commit ?? '',
    remote: remote === undefined ? undefined : plainUrl(remote),
    path: path === '' ? '.' : path,
    modified: status === undefined ? undefined : status !== '',
  }
}

function createGit(
  directory: string,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): (...args: readonly string[]) => Promise<string | undefined> {
  return async (...args) => {
    // imported here because few runs attest, and the import would slow down all of them
    const {execa} = await import('execa')
    const {exitCode, stdout, failed} = await execa('git', [...safety, ...args], {
      cwd: directory,
      env: {...gitEnvironment(env), GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0'},
      extendEnv: false,
      reject: false,
      timeout,
      maxBuffer: largestOutput,
      stdin: 'ignore',
      killSignal: 'SIGKILL',
      cancelSignal: signal,
    })
    signal.throwIfAborted()
    return failed || exitCode !== 0 ? undefined : stdout.trim()
  }
}

/** A repository may name programs that git runs: none of them is wanted here. */
const safety = ['-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null']

/** What git needs to be found and configured; secrets of this process are not for it. */
function gitEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | undefined>> {
  const isWanted = (name: string): boolean =>
    ['PATH', 'HOME', 'XDG_CONFIG_HOME'].includes(name) || name.startsWith('GIT_')
  return Object.fromEntries(Object.entries(env).filter(([name]) => isWanted(name)))
}
