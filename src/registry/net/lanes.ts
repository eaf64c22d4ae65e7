import {waitFor} from './wait-for.js'

/**
 * Uploads that are being read from somewhere, and everything else. An upload may have to wait for a
 * download that is its source; nothing waits for an upload: so they are counted apart, or they
 * could wait for each other for ever.
 */
export type Lane = 'ask' | 'send'

/** At most so many requests per host and lane are on their way at once. */
export interface Lanes {
  /** Waits for a place; call what it gives, once, to leave it. Rejects with the signal's reason. */
  enter(host: string, lane: Lane, signal: AbortSignal | undefined): Promise<() => void>
}

export function createLanes(limit: number): Lanes {
  const lanes = new Map<string, {used: number; waiting: (() => void)[]}>()
  return {
    async enter(host, lane, signal) {
      const key = `${lane} ${host}`
      const state = lanes.get(key) ?? {used: 0, waiting: []}
      lanes.set(key, state)
      const leave = (): void => {
        const next = state.waiting.shift()
        // the place goes from hand to hand
        if (next) next()
        else state.used--
      }
      if (state.used < limit) {
        state.used++
        return leave
      }
      let take: (() => void) | undefined
      const turn = new Promise<void>((resolve) => {
        take = resolve
        state.waiting.push(resolve)
      })
      try {
        await waitFor(turn, signal)
      } catch (error) {
        const at = state.waiting.findIndex((waiting) => waiting === take)
        if (at === -1) leave()
        else state.waiting.splice(at, 1)
        throw error
      }
      return leave
    },
  }
}
