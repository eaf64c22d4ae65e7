import * as errors from '../../errors.js'

/**
 * By class of error; what is not listed is 1. A signal is 128 and its number, as a shell has it.
 */
const codes: readonly (readonly [new (...args: never[]) => Error, number])[] = [
  [errors.UsageError, 2],
  [errors.AuthenticationError, 3],
  [errors.NotFoundError, 4],
  [errors.NetworkError, 5],
  [errors.IntegrityError, 6],
  [errors.ConflictError, 7],
  [errors.UnsafeContentError, 8],
  [errors.LocalIoError, 9],
  [errors.LimitError, 10],
  [errors.PreconditionError, 11],
  // as timeout(1) has it
  [errors.TimeLimitError, 124],
]

/**
 * What the process exits with for `error`; also for oclif's own errors, which carry theirs (2 for
 * usage).
 */
export function exitCode(error: unknown): number {
  const known = codes.find(([type]) => error instanceof type)
  if (known) return known[1]
  const oclif = (error as {oclif?: {exit?: unknown}} | undefined)?.oclif?.exit
  return typeof oclif === 'number' ? oclif : 1
}

/** Nothing failed: what was compared differs, or something would change. */
export const differsExitCode = 20

/** Nothing failed: a claim that was to be proven is not proven. */
export const notProvenExitCode = 12

/** The codes that stand for signals. */
export const signalExitCodes = {SIGHUP: 129, SIGINT: 130, SIGQUIT: 131, SIGTERM: 143} as const
