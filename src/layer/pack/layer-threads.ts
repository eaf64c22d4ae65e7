import type {BlockCodec} from '../compress/codec.js'
import type {PackThreads} from './threads/pack-threads.js'

/** Threads for one layer after the other, started when the first one needs them. */
export interface LayerThreads {
  /**
   * Threads that nobody else uses, for a layer of at least so many bytes; `undefined` if there can
   * be none, or if all layers so far are too small together for threads to be worth their start.
   */
  take(codec: BlockCodec, bytes: number): Promise<PackThreads | undefined>
  /** The same for a layer that is only hashed. */
  takeToHash(codec: BlockCodec, bytes: number): Promise<PackThreads | undefined>
  /** For the next layer, unless they have ended. */
  giveBack(threads: PackThreads): Promise<void>
  /** Ends those that nobody uses, and the others as soon as they are given back. */
  close(): Promise<void>
}

/** Bytes of all layers below which threads are not worth their start. */
export const smallLayers = 12 * 1024 * 1024

/** Of `jobs` threads that compress: none for one job. */
export function layerThreads(jobs: number): LayerThreads {
  let idle: PackThreads | undefined
  let isClosed = false
  let packed = 0
  let hashed = 0
  return {
    async take(codec, bytes) {
      packed += bytes
      if (packed < smallLayers) return undefined
      const threads = await takeIdle(codec)
      if (!threads || threads.canCompress()) return threads
      await threads.close()
      return undefined
    },
    async takeToHash(codec, bytes) {
      hashed += bytes
      return hashed < smallLayers ? undefined : takeIdle(codec)
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

  async function takeIdle(codec: BlockCodec): Promise<PackThreads | undefined> {
    const taken = idle
    idle = undefined
    if (taken?.codec === codec) return taken
    await taken?.close()
    return start(jobs, codec)
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
