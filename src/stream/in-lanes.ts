import {setMaxListeners} from 'node:events'
import {createLimiter} from './limiter.js'

/**
 * All of `list`, `width` of them at once; the first failure ends the others, and is thrown when
 * they have ended.
 */
export async function inLanes<T>(
  list: readonly T[],
  work: (item: T, call: {readonly signal: AbortSignal}) => Promise<void>,
  {width, signal}: {readonly width: number; readonly signal: AbortSignal | undefined},
): Promise<void> {
  const limiter = createLimiter(width)
  const failing = new AbortController()
  const both = signal ? AbortSignal.any([signal, failing.signal]) : failing.signal
  // every request of every lane listens to it
  setMaxListeners(0, both, ...(signal ? [signal] : []))
  const failures: unknown[] = []
  const workOn = async (item: T): Promise<void> => {
    if (both.aborted) return
    try {
      await work(item, {signal: both})
    } catch (error) {
      failures.push(error)
      failing.abort(error)
    }
  }
  await Promise.all(list.map((item) => limiter.run(() => workOn(item))))
  signal?.throwIfAborted()
  if (failures.length > 0) throw failures[0]
}
