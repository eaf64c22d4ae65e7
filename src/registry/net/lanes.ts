import {createKeyedLimiter} from '../../stream/limiter.js'

/**
 * Uploads that are being read from somewhere, and everything else. An upload may have to wait for a
 * download that is its source; nothing waits for an upload: so they are counted apart, or they
 * could wait for each other for ever.
 */
export type Lane = 'ask' | 'send'

/** At most so many requests per host and lane are on their way at once. */
export interface Lanes {
  /** Waits for a place; call the result, once, to leave it. Rejects with the signal's reason. */
  enter(host: string, lane: Lane, signal: AbortSignal | undefined): Promise<() => void>
}

export function createLanes(limit: number): Lanes {
  const places = createKeyedLimiter(limit)
  return {enter: (host, lane, signal) => places.enter(`${lane} ${host}`, signal)}
}
