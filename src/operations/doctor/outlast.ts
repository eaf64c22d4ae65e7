/** Milliseconds that a request may go on after an abort. */
const grace = 5000

/**
 * A signal for a request that creates something: it follows `signal` five seconds later. A request
 * that is broken off may still be carried out, and then after the cleanup, which would miss what it
 * created. Throws the reason of `signal` when that is aborted already.
 */
export function outlast(signal: AbortSignal): AbortSignal {
  signal.throwIfAborted()
  const late = new AbortController()
  signal.addEventListener(
    'abort',
    () => setTimeout(() => late.abort(signal.reason), grace).unref(),
    {once: true},
  )
  return late.signal
}
