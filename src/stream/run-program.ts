/** A program with its arguments; no shell reads them. */
export interface Program {
  readonly path: string
  readonly args: readonly string[]
  /** All of its environment. */
  readonly env: Readonly<Record<string, string | undefined>>
}

export interface RunLimits {
  /** Milliseconds. */
  readonly timeout: number
  /** Bytes of each of its outputs. */
  readonly output: number
}

/** How a program ended, and what it printed; the outputs may contain secrets. */
export interface ProgramRun {
  /** `undefined` if it was killed, or never ran. */
  readonly exitCode: number | undefined
  /** The signal that ended it. */
  readonly signal: string | undefined
  /** Such as `ENOENT`, if it could not be started. */
  readonly code: string | undefined
  /** Of the two limits, the one that it was killed for. */
  readonly exceeded: 'timeout' | 'output' | undefined
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a program with `input` on its standard input. It is killed when it is over a limit, or when
 * `signal` aborts. Never throws.
 */
export async function runProgram(
  {path, args, env}: Program,
  input: string | Uint8Array,
  {timeout, output}: RunLimits,
  signal: AbortSignal | undefined,
): Promise<ProgramRun> {
  // imported here because few runs start a program, and the import would slow down all of them
  const {execa} = await import('execa')
  const child = execa(path, [...args], {
    input,
    env,
    extendEnv: false,
    reject: false,
    maxBuffer: output,
    stripFinalNewline: false,
    killSignal: 'SIGKILL',
    ...(signal && {cancelSignal: signal}),
  })
  const end = (): void => {
    child.kill('SIGKILL')
    // a child of the program may live on and hold the other ends of the pipes
    child.stdout.destroy()
    child.stderr.destroy()
  }
  const clock = {late: false}
  const timer = setTimeout(() => {
    clock.late = true
    end()
  }, timeout)
  signal?.addEventListener('abort', end)
  const result = await child.finally(() => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', end)
  })
  const {exitCode, stdout, stderr, isMaxBuffer, signal: ended, code} = result
  const exceeded = clock.late ? 'timeout' : isMaxBuffer ? 'output' : undefined
  return {exitCode, signal: ended, code, exceeded, stdout, stderr}
}
