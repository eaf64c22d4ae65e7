import {constants} from 'node:fs'
import {access, stat} from 'node:fs/promises'
import {delimiter, isAbsolute, join} from 'node:path'

/** How a helper ended and what it said; the outputs may hold secrets. */
export interface HelperRun {
  readonly exitCode: number | undefined
  /** In place of an exit code that says something: `did not answer within 30 s`. */
  readonly problem: string | undefined
  readonly stdout: string
  readonly stderr: string
}

const largestOutput = 64 * 1024

/**
 * Where the program is; only in folders of PATH that are named from the root, for a program in the
 * current one may be anybody's.
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
 * Runs it without a shell, with `input` on its standard input; kills it when it takes too long,
 * says too much, or the signal says so. Never throws.
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
  // late: few runs have a helper, and all would wait for what runs it
  const {execa} = await import('execa')
  // our own password is for one registry, and no business of a helper
  const env = {...options.env, INJECT_PASSWORD: undefined}
  const child = execa(path, [verb], {
    input,
    env,
    extendEnv: false,
    reject: false,
    maxBuffer: largestOutput,
    stripFinalNewline: false,
    killSignal: 'SIGKILL',
    ...(options.signal && {cancelSignal: options.signal}),
  })
  const clock = {late: false}
  const timer = setTimeout(() => {
    clock.late = true
    child.kill('SIGKILL')
    // what it started itself may live on and hold the other ends
    child.stdout.destroy()
    child.stderr.destroy()
  }, options.timeout)
  const result = await child.finally(() => clearTimeout(timer))
  const {exitCode, stdout, stderr, isMaxBuffer, signal, code} = result
  const problem = clock.late
    ? `did not answer within ${Math.round(options.timeout / 1000)} s`
    : isMaxBuffer
      ? `printed more than ${largestOutput / 1024} KiB`
      : signal !== undefined
        ? `was ended by ${signal}`
        : exitCode === undefined
          ? `could not be started (${code ?? 'no reason given'})`
          : undefined
  // a failure of the run is never a success of the helper
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
