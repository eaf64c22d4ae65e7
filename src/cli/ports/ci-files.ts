import {UsageError} from '../../errors.js'
import {ciOutputs, dotenvLines, githubLines, summaryMarkdown} from '../render/ci-outputs.js'

/** A file that CI reads. */
export interface CiFile {
  readonly path: string
  /** Replaced, or added to. */
  readonly flag: 'w' | 'a'
  readonly text: (result: object) => string
}

interface CiFlags {
  readonly 'github-output': boolean
  readonly 'github-summary': boolean
  readonly dotenv?: string | undefined
}

/**
 * The files that the flags ask for; `command` is the command's identifier. Throws `UsageError`
 * (`ERR_INJECT_NO_CI_FILE`) outside of a step of GitHub Actions.
 */
export function ciFiles(
  flags: CiFlags,
  env: Readonly<Record<string, string | undefined>>,
  command: string,
): readonly CiFile[] {
  const files: CiFile[] = []
  const add = (path: string, flag: CiFile['flag'], text: CiFile['text']) =>
    files.push({path, flag, text})
  const named = (flag: string, name: string): string => {
    const path = env[name]
    if (path) return path
    throw new UsageError('ERR_INJECT_NO_CI_FILE', `--${flag} is given, and ${name} is not set`, {
      hint: 'use it in a step of GitHub Actions; elsewhere use --dotenv FILE or --json',
    })
  }
  if (flags['github-output'])
    add(named('github-output', 'GITHUB_OUTPUT'), 'a', (result) => githubLines(ciOutputs(result)))
  if (flags['github-summary'])
    add(named('github-summary', 'GITHUB_STEP_SUMMARY'), 'a', (result) =>
      summaryMarkdown(command.replaceAll(':', ' '), ciOutputs(result)),
    )
  if (flags.dotenv !== undefined) add(flags.dotenv, 'w', (result) => dotenvLines(ciOutputs(result)))
  return files
}
