import {createLimiter} from '../../../stream/limiter.js'
import {type HashCall, type Reader, type ReaderHeap, startReader, type TarSum} from './reader.js'
import type {HeldContent} from './held-content.js'

/** Threads that read, each started when there is something for it to do. */
export interface Readers {
  /**
   * What the tar of rows comes to: several at once, lower layers first if they are asked for in
   * that order. `undefined` if no thread can be started. Throws as `hash` of `Reader`.
   */
  hash(content: HeldContent, call?: HashCall): Promise<TarSum | undefined>
  /**
   * One for a tar that is packed, when there is one that hashes nothing. Throws the signal's
   * reason, and where there can be no threads.
   */
  take(signal: AbortSignal | undefined): Promise<LentReader>
  /** How many were started. */
  count(): number
  /** Whether there is one, or can be: it is started. */
  canRead(): boolean
  /** Starts all of them: there is much to hash. Does nothing where there can be no threads. */
  startAll(): void
  /** Ends those that nobody uses, and the others as soon as they are done. */
  close(): Promise<void>
}

export interface LentReader {
  readonly reader: Reader
  /** For the next tar, unless it has ended. */
  readonly giveBack: () => Promise<void>
}

/** Bytes of tar so far for each thread after the first: it compiles all code for itself. */
const another = 64 * 1024 * 1024

/** Up to `most` that hash. */
export function createReaders(most: number, heap: ReaderHeap): Readers {
  const places = createLimiter(most)
  /** Places of threads that are not worth their start yet. */
  const withheld = Array.from({length: most - 1}, () => places.enter())
  const idle: Reader[] = []
  let started = 0
  let lent = 0
  let bytes = 0
  let isClosed = false

  return {
    async hash(content, call) {
      bytes += content.rows.tarBytes
      if (bytes >= (most - withheld.length) * another) void withheld.pop()?.then((free) => free())
      const leave = await places.enter(call?.signal)
      const reader = popIdle() ?? tryStart()
      try {
        return await reader?.hash(content, call)
      } finally {
        if (reader) await giveBack(reader)
        leave()
      }
    },
    async take(signal) {
      lent++
      try {
        // those that hash come to an end; a caller that has another one might wait for itself
        const leave = lent > 1 ? () => undefined : await places.enter(signal)
        const reader = popIdle() ?? start()
        return {
          reader,
          async giveBack() {
            lent--
            await giveBack(reader)
            leave()
          },
        }
      } catch (error) {
        lent--
        throw error
      }
    },
    count: () => started,
    canRead() {
      if (started > 0) return true
      const reader = tryStart()
      if (reader) idle.push(reader)
      return reader !== undefined
    },
    startAll() {
      for (const place of withheld.splice(0)) void place.then((free) => free())
      while (started < most) {
        const reader = tryStart()
        if (!reader) return
        idle.push(reader)
      }
    },
    async close() {
      isClosed = true
      await Promise.all(idle.splice(0).map((reader) => reader.close()))
    },
  }

  /** One that has nothing to do, and has not ended meanwhile. */
  function popIdle(): Reader | undefined {
    let reader = idle.pop()
    while (reader?.hasEnded() === true) reader = idle.pop()
    return reader
  }

  function start(): Reader {
    const reader = startReader(heap)
    started++
    return reader
  }

  function tryStart(): Reader | undefined {
    try {
      return start()
    } catch {
      // the caller's thread does the work
      return undefined
    }
  }

  async function giveBack(reader: Reader): Promise<void> {
    if (isClosed) await reader.close()
    else if (!reader.hasEnded()) idle.push(reader)
  }
}
