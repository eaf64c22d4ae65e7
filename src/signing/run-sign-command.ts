import {PreconditionError} from '../errors.js'
import {runProgram} from '../stream/run-program.js'

/** A program with its arguments; no shell reads them. */
export interface SignCommand {
  readonly program: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** Milliseconds. */
  readonly timeout: number
}

const largestOutput = 64 * 1024

/** Not for the command: passwords of `inject`. */
const ours = ['INJECT_PASSWORD', 'INJECT_SIGN_PASSWORD'] as const

/**
 * What the command printed for `input` on its standard input. It is killed when it takes too long,
 * prints too much, or the signal aborts. Throws `PreconditionError` (`ERR_INJECT_SIGNING_FAILED`),
 * which repeats nothing that the command printed, because that may be secret.
 */
export async function runSignCommand(
  {program, args, env, timeout}: SignCommand,
  input: Uint8Array,
  signal: AbortSignal,
): Promise<string> {
  const own = Object.fromEntries(ours.map((name) => [name, undefined]))
  const limits = {timeout, output: largestOutput}
  const run = await runProgram({path: program, args, env: {...env, ...own}}, input, limits, signal)
  const {exitCode, stdout, exceeded, code} = run
  signal.throwIfAborted()
  const problem =
    exceeded === 'timeout'
      ? `did not answer within ${Math.round(timeout / 1000)} s`
      : exceeded === 'output'
        ? `printed more than ${largestOutput / 1024} KiB`
        : exitCode === undefined
          ? `could not be run (${code ?? 'it was killed'})`
          : exitCode === 0
            ? undefined
            : `failed with exit code ${exitCode}`
  if (problem === undefined) return stdout.replace(/\r?\n$/, '')
  throw new PreconditionError('ERR_INJECT_SIGNING_FAILED', `--sign-command ${problem}`, {
    hint: 'run it by itself to see why',
  })
}

/**
 * The words of a command line: split at blanks, with `'…'` and `"…"` around words with blanks in
 * them. `undefined` for an unfinished quote or no words at all. Nothing else is special.
 */
export function splitCommand(text: string): readonly string[] | undefined {
  const words = [...text.matchAll(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g)].map(([word]) => word)
  const rest = text.replaceAll(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g, '')
  if (rest.trim() !== '' || words.length === 0) return undefined
  return words.map((word) =>
    word.replaceAll(
      /'([^']*)'|"([^"]*)"/g,
      (_, one?: string, other?: string) => one ?? other ?? '',
    ),
  )
}
