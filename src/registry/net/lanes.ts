import {createKeyedLimiter} from '../../stream/limiter.js'

/**
 * Uploads whose source is a stream, and everything else. An upload may wait for the download that
 * is its source, but nothing waits for an upload. So they are counted separately: otherwise they
 * could deadlock.
 */
export type Lane = 'ask' | 'send'

/** Limits the number of concurrent requests per host and lane. */
export interface Lanes {
  /** Waits for a slot; call the result once to free it. Rejects with the signal's reason. */
  enter(host: string, lane: Lane, signal: AbortSignal | undefined): Promise<() => void>
}

export function createLanes(limit: number): Lanes {
  const places = createKeyedLimiter(limit)
  return {enter: (host, lane, signal) => places.enter(`${lane} ${host}`, signal)}
}
