import {setTimeout as sleep} from 'node:timers/promises'
import {monotonicTime} from './clock.js'

/**
 * How often a holder shows that it lives, and how long others wait for that. All that use one lock
 * must agree on it.
 */
export interface LockTiming {
  /** A holder that shows nothing for so long has lost the lock to the next who asks. */
  readonly leaseMs: number
  readonly beatMs: number
  /** Milliseconds on a clock that only goes forward; whose zero is of no meaning. */
  readonly now: () => number
  /** Milliseconds since the epoch. It may jump: nothing is decided by it. */
  readonly wall: () => number
  /** Rejects when the signal aborts. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
}

/** Six beats fit into a lease: a slow disk or a busy event loop may lose some of them. */
export const lockTiming: LockTiming = {
  leaseMs: 30_000,
  beatMs: 5000,
  now: monotonicTime,
  wall: () => Date.now(),
  sleep: (ms, signal) => sleep(ms, undefined, signal && {signal}),
}
