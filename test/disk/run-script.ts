import {type ChildProcessWithoutNullStreams, spawn} from 'node:child_process'
import {createInterface, type Interface} from 'node:readline'
import {onTestFinished} from 'vitest'

export interface RunningScript {
  readonly child: ChildProcessWithoutNullStreams
  /** What it prints. */
  readonly lines: Interface
  /** Its next line; rejects when it ends first. */
  next(): Promise<string>
  /** Its exit code once it has ended; `null` after a signal. */
  readonly ended: Promise<number | null>
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>
}

/** Runs a program of `bundleProgram`, which does not outlive the running test. */
export function runScript(file: string, ...args: string[]): RunningScript {
  return runScriptIn([], file, ...args)
}

/** The same, started by another command. */
export function runScriptIn(
  prefix: readonly string[],
  file: string,
  ...args: string[]
): RunningScript {
  const [command = '', ...words] = [...prefix, process.execPath, file, ...args]
  const child = spawn(command, words)
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const lines = createInterface({input: child.stdout})
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }
  onTestFinished(kill)
  const next = (): Promise<string> =>
    new Promise((resolve, reject) => {
      lines.once('line', resolve)
      void ended.then(() => {
        reject(new Error(`${file} ended: ${said}`))
      })
    })
  return {child, lines, next, ended, kill}
}
