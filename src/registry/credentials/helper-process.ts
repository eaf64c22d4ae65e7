import {constants} from 'node:fs'
import {access, stat} from 'node:fs/promises'
import {delimiter, isAbsolute, join} from 'node:path'
import {runProgram} from '../../stream/run-program.js'

/** How a helper ended and what it printed; the outputs may contain secrets. */
export interface HelperRun {
  readonly exitCode: number | undefined
  /** Set instead of a meaningful exit code: `did not answer within 30 s`. */
  readonly problem: string | undefined
  readonly stdout: string
  readonly stderr: string
}

const largestOutput = 64 * 1024

/**
 * The path of the program; only absolute folders of PATH count, because a program in the current
 * folder could belong to anyone.
 */
export async function findHelper(
  program: string,
  path: string | undefined,
): Promise<string | undefined> {
  for (const folder of (path ?? '').split(delimiter).filter(isAbsolute)) {
    const candidate = join(folder, program)
    if (await isProgram(candidate)) return candidate
  }
  return undefined
}

/**
 * Runs it without a shell, with `input` on its standard input. Kills it when it takes too long,
 * prints too much, or the signal aborts. Never throws.
 */
export async function runHelper(
  path: string,
  verb: string,
  input: string,
  options: {
    readonly env: Readonly<Record<string, string | undefined>>
    readonly signal: AbortSignal | undefined
    readonly timeout: number
  },
): Promise<HelperRun> {
  // the password of `inject` is for one registry, so a helper must not see it
  const env = {...options.env, INJECT_PASSWORD: undefined}
  const limits = {timeout: options.timeout, output: largestOutput}
  const run = await runProgram({path, args: [verb], env}, input, limits, options.signal)
  const {exitCode, stdout, stderr, exceeded, signal, code} = run
  const problem =
    exceeded === 'timeout'
      ? `did not answer within ${Math.round(options.timeout / 1000)} s`
      : exceeded === 'output'
        ? `printed more than ${largestOutput / 1024} KiB`
        : signal !== undefined
          ? `was ended by ${signal}`
          : exitCode === undefined
            ? `could not be started (${code ?? 'no reason given'})`
            : undefined
  // a failure to run the helper is never a success
  return {exitCode: problem === undefined ? exitCode : undefined, problem, stdout, stderr}
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}
