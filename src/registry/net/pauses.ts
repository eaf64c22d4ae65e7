import {waitFor} from '../../stream/wait-for.js'

/** When a host asks to wait, all requests to it wait, not only the one that was told. */
export interface HostPauses {
  /** Resolves when no wait for `host` is active. Rejects with the signal's reason. */
  clear(host: string, signal: AbortSignal | undefined): Promise<void>
  /**
   * Delays every request to `host` for at least `milliseconds` from now; resolves when the time is
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
      // an abort may end the sleep when nothing is waiting for it
      wait.catch(() => {})
      waits.set(host, wait)
      await clear(host, signal)
    },
  }
}
