import {TimeLimitError} from '../../errors.js'

/** The longest that a timer can be set for. */
const longest = 2 ** 31 - 1

export interface Deadline {
  /** Aborted by `interruption`, or with a `TimeLimitError` when the time is over. */
  readonly signal: AbortSignal
  release(): void
}

/** `milliseconds` from now; none at all for `undefined` and 0. */
export function startDeadline(
  milliseconds: number | undefined,
  interruption: AbortSignal,
): Deadline {
  if (!milliseconds) return {signal: interruption, release: () => undefined}
  const controller = new AbortController()
  const timer = setTimeout(
    () => {
      const message = `not done within ${milliseconds / 1000} s`
      const hint = 'allow more with --timeout'
      controller.abort(new TimeLimitError('ERR_INJECT_TIMED_OUT', message, {hint}))
    },
    Math.min(milliseconds, longest),
  )
  return {
    signal: AbortSignal.any([interruption, controller.signal]),
    release: () => clearTimeout(timer),
  }
}
