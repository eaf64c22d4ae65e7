import type {DigestAlgorithm} from '../../oci/digest.js'
import type {InflateThreads} from './threads/inflate-threads.js'

/** Threads that inflate one layer after the other: to start them takes as long as a small layer. */
export interface KeptThreads {
  /** For one layer, to be given back; `undefined` if there can be none. */
  take(algorithm: DigestAlgorithm): Promise<InflateThreads | undefined>
  /** `isDone`: the digest of the layer was asked for, so that the threads can have another one. */
  giveBack(threads: InflateThreads, isDone: boolean): Promise<void>
  /** Ends them. */
  close(): Promise<void>
}

/** None yet; `most` inflate at once. */
export function keepThreads(most: number): KeptThreads {
  const algorithms = new Map<InflateThreads, DigestAlgorithm>()
  let idle: InflateThreads | undefined
  return {
    async take(algorithm) {
      const kept = idle
      idle = undefined
      if (kept && algorithms.get(kept) === algorithm) {
        kept.beginLayer()
        return kept
      }
      await kept?.close()
      const {startInflateThreads} = await import('./threads/inflate-threads.js')
      try {
        const started = startInflateThreads(most, algorithm)
        algorithms.set(started, algorithm)
        return started
      } catch {
        // if no thread can be started, the caller's does the work
        return undefined
      }
    },
    async giveBack(threads, isDone) {
      if (isDone && !idle) idle = threads
      else await threads.close()
    },
    async close() {
      await idle?.close()
      idle = undefined
    },
  }
}
