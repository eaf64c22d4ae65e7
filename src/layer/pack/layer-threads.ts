import type {BlockCodec} from '../compress/codec.js'
import type {PackThreads} from './threads/pack-threads.js'

/** Threads for one layer after the other, started when the first one needs them. */
export interface LayerThreads {
  /** Threads that nobody else uses; `undefined` if there can be none. */
  take(codec: BlockCodec): Promise<PackThreads | undefined>
  /** For the next layer, unless they have ended. */
  giveBack(threads: PackThreads): Promise<void>
  /** Ends those that nobody uses, and the others as soon as they are given back. */
  close(): Promise<void>
}

/** Of `jobs` threads that compress: none for one job. */
export function layerThreads(jobs: number): LayerThreads {
  let idle: PackThreads | undefined
  let isClosed = false
  return {
    async take(codec) {
      const taken = idle
      idle = undefined
      if (taken?.codec === codec) return taken
      await taken?.close()
      return start(jobs, codec)
    },
    async giveBack(threads) {
      if (isClosed || idle) await threads.close()
      else if (!threads.hasEnded()) idle = threads
    },
    async close() {
      isClosed = true
      await idle?.close()
      idle = undefined
    },
  }
}

async function start(jobs: number, codec: BlockCodec): Promise<PackThreads | undefined> {
  if (jobs <= 1) return undefined
  const {startPackThreads} = await import('./threads/pack-threads.js')
  try {
    return startPackThreads(jobs, codec)
  } catch {
    // if no thread can be started, this thread does the work
    return undefined
  }
}
