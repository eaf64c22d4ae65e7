import {type ResourceLimits, SHARE_ENV, Worker} from 'node:worker_threads'
import {type Digest, parseDigest} from '../../../oci/digest.js'
import {createMemory, loadDeflate} from '../../compress/block-deflate.js'
import {ownBlocks} from '../../compress/blocks.js'
import {type EntryItem, unreadFile} from '../blocks/write-tar.js'
import {createFeed} from './feed.js'
import {
  bellAfter,
  bellCount,
  done,
  end,
  free,
  isInState,
  lengthOf,
  outputAt,
  outputLengthOf,
  resetRing,
  type Ring,
  ringBell,
  ringLength,
  setState,
  wordCount,
} from './ring.js'

/** Of a tar that was read to its end. */
export interface TarSum {
  readonly diffId: Digest
  readonly crc: number
  /** Bytes. */
  readonly size: number
}

export interface PackCall {
  readonly signal?: AbortSignal | undefined
  /** Told how many bytes of tar are compressed so far, after each block. */
  readonly onProgress?: ((tarBytes: number) => void) | undefined
}

/** Threads that read files and compress them, for one tar after the other. */
export interface PackThreads {
  /**
   * The compressed blocks of the tar of `items`, in order. Throws what the iteration throws, what
   * `writeTar` throws, and the signal's reason; after that the threads have ended.
   */
  pack(items: Iterable<EntryItem>, call: PackCall): AsyncGenerator<Uint8Array, TarSum, undefined>
  /** Whether they are of no more use: closed, or a tar was not packed to its end. */
  hasEnded(): boolean
  /** Ends the threads. */
  close(): Promise<void>
}

/** Threads that compress, at most: hashing is slower than so many. */
const mostDeflaters = 16

/** Places of the ring: some for each thread that compresses, and some for what waits to be sent. */
const placesFor = (deflaters: number): number => 8 + 4 * deflaters

type Answer =
  | {readonly digest: string; readonly crc: number; readonly size: number}
  | {
      readonly unread: {
        readonly item: number
        readonly doing: string
        readonly cause: NodeJS.ErrnoException | undefined
      }
    }

/** Little of what they hold is on their heaps. */
const resourceLimits: ResourceLimits = {maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 64}

/**
 * Starts one thread that reads files and hashes the tar, and one for each of `jobs` that compress;
 * each takes some 50 ms to start. The thread that calls lists the entries, makes their headers, and
 * gets the result. Throws where there can be no threads.
 */
export function startPackThreads(jobs: number): PackThreads {
  const deflaters = Math.min(jobs, mostDeflaters)
  const places = placesFor(deflaters)
  const memory = createMemory(ringLength(places, deflaters))
  const words = new Int32Array(new SharedArrayBuffer(4 * wordCount(places)))
  const ring: Ring = {memory, words, places, deflaters}
  const bytes = new Uint8Array(memory.buffer)
  const module = loadDeflate()
  const workers: Worker[] = []
  let failure: Error | undefined
  let answer: Answer | undefined
  let isClosed = false

  const reader = start('read-worker.js', {ring, rule: ownBlocks})
  reader.on('message', (message: Answer) => {
    answer = message
    ringBell(ring)
  })
  const compressors = Array.from({length: deflaters}, (_, number) =>
    start('deflate-worker.js', {ring, module, number}),
  )

  return {
    async *pack(items, {signal, onProgress}) {
      resetRing(ring)
      answer = undefined
      const feed = createFeed(items, ring, (batch) => reader.postMessage(batch))
      for (const worker of compressors) worker.postMessage('begin')
      const wake = (): void => ringBell(ring)
      signal?.addEventListener('abort', wake)
      let isWhole = false
      try {
        let tarBytes = 0
        let block = 0
        for (; ; block++) {
          await until(() => isInState(ring, block, done), feed.fill)
          const length = lengthOf(ring, block)
          if (length === end) break
          const at = outputAt(ring, block)
          // the caller owns it
          const result = bytes.slice(at, at + outputLengthOf(ring, block))
          setState(ring, block + places, free)
          tarBytes += length
          onProgress?.(tarBytes)
          yield Buffer.from(result.buffer)
        }
        for (let deflater = 1; deflater < deflaters; deflater++)
          await until(() => isInState(ring, block + deflater, done))
        await until(() => answer !== undefined)
        const sum = answer as Answer | undefined
        if (!sum || 'unread' in sum)
          throw new Error('the thread that reads has not come to its end')
        isWhole = true
        return {diffId: parseDigest(`sha256:${sum.digest}`), crc: sum.crc, size: sum.size}
      } finally {
        signal?.removeEventListener('abort', wake)
        feed.close()
        // threads that are in the middle of something are of no more use
        if (!isWhole) await close()
      }

      /** Wakes for each block, for each batch that was read, and for each failure. */
      async function until(isSo: () => boolean, meanwhile?: () => void): Promise<void> {
        for (;;) {
          const count = bellCount(ring)
          signal?.throwIfAborted()
          if (answer && 'unread' in answer)
            throw unreadFile(feed.pathAt(answer.unread.item), withErrno(answer.unread))
          if (failure) throw failure
          meanwhile?.()
          if (isSo()) return
          await bellAfter(ring, count)
        }
      }
    },
    hasEnded: () => isClosed || failure !== undefined,
    close,
  }

  function start(script: string, workerData: object): Worker {
    const worker = new Worker(new URL(script, import.meta.url), {
      workerData,
      resourceLimits,
      env: SHARE_ENV,
    })
    const fail = (error: Error): void => {
      if (isClosed) return
      failure ??= error
      ringBell(ring)
    }
    worker.on('error', fail)
    worker.on('exit', (code) => fail(new Error(`a thread that packs ended with code ${code}`)))
    workers.push(worker)
    return worker
  }

  async function close(): Promise<void> {
    isClosed = true
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}

/** An error of the system loses its class when it comes out of a thread. */
function withErrno({
  doing,
  cause,
}: {
  readonly doing: string
  readonly cause: NodeJS.ErrnoException | undefined
}): {readonly doing: string; readonly cause: NodeJS.ErrnoException | undefined} {
  return {doing, cause: cause && Object.assign(new Error(cause.message), cause)}
}
