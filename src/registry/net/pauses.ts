import {waitFor} from '../../stream/wait-for.js'

/**
 * When a host asks to be left alone for a while, all of our requests to it wait, not only the one
 * that was told.
 */
export interface HostPauses {
  /**
   * Resolves when nothing asks `host` to be left alone (any more). Rejects with the signal's
   * reason.
   */
  clear(host: string, signal: AbortSignal | undefined): Promise<void>
  /**
   * Holds up every request to `host` for at least `milliseconds` from now; resolves when they are
   * over.
   */
  postpone(host: string, milliseconds: number, signal: AbortSignal | undefined): Promise<void>
}

export function createHostPauses(sleep: (milliseconds: number) => Promise<void>): HostPauses {
  const waits = new Map<string, Promise<unknown>>()
  const clear: HostPauses['clear'] = async (host, signal) => {
    for (let wait = waits.get(host); wait; wait = waits.get(host)) await waitFor(wait, signal)
  }
  return {
    clear,
    async postpone(host, milliseconds, signal) {
      const before = waits.get(host)
      const wait = Promise.all([before, sleep(milliseconds)]).finally(() => {
        if (waits.get(host) === wait) waits.delete(host)
      })
      // the sleep may be ended with everything else, when nobody waits for it
      wait.catch(() => {})
      waits.set(host, wait)
      await clear(host, signal)
    },
  }
}
