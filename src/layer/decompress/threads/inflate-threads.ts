import {type ResourceLimits, SHARE_ENV, type Worker} from 'node:worker_threads'
import {type DigestAlgorithm, type Digest, parseDigest} from '../../../oci/digest.js'
import {startThread} from '../../../program/program-file.js'
import {bellAfter, bellCount, ringBell} from '../../bell.js'
import {createMemory} from '../../shared-memory.js'
import {largestBlock, loadInflate} from './block-inflate.js'
import {
  crcAfter,
  endLayer,
  filledCount,
  fillPlace,
  foreign,
  hashedCount,
  inflatedAt,
  inflatedLengthOf,
  isDone,
  type Ring,
  ringLength,
  storedAt,
  storedLengthOf,
  wordCount,
} from './ring.js'

/** A block that was inflated. */
export interface InflatedBlock {
  /** In reused memory: valid until the next block is taken. */
  readonly bytes: Buffer
  /** Its compressed size. */
  readonly stored: number
}

/** Totals of the blocks that were taken. */
interface Taken {
  /** Of their content, up to the end of the last one. */
  readonly crc: number
  /** The compressed bytes of the blocks that were put and not taken. */
  readonly left: Buffer
}

/**
 * Threads that inflate blocks and hash the content, in the order in which it is put. Everything
 * rejects with what a thread failed with, or with what `fail` was told.
 */
export interface InflateThreads {
  /**
   * Takes a block of at most `longestBlock` bytes, once there is room; `false`, and it is not
   * taken, when nobody takes blocks any more.
   */
  put(block: Uint8Array): Promise<boolean>
  /** Call it after the last block. */
  endBlocks(): void
  /** The next block; `undefined` after the last one, and for one that is not of our own deflate. */
  take(): Promise<InflatedBlock | undefined>
  /** Ends the taking of blocks: after `take` gave nothing, once nobody puts blocks. */
  stop(): Promise<Taken>
  /** Nobody takes blocks any more: ends the wait of anyone who puts them. */
  abandon(): void
  /** Content that was inflated elsewhere, to be hashed; the caller may use its memory again. */
  hash(content: Uint8Array): Promise<void>
  /** The digest of all content that was taken or hashed; call it last for a layer. */
  digest(): Promise<Digest>
  /** Another layer comes: after the digest of the one before. */
  beginLayer(): void
  /** Rejects all waits with this error. */
  fail(error: Error): void
  /** Ends the threads. */
  close(): Promise<void>
}

/** Places of the ring: some for each thread, and some for finished blocks. */
const placesFor = (threads: number): number => 9 + 3 * threads

/** Their heaps hold little. */
const resourceLimits: ResourceLimits = {maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 64}

/** Starts so many threads; each takes some 50 ms. Throws where there can be none. */
export function startInflateThreads(threads: number, algorithm: DigestAlgorithm): InflateThreads {
  const places = placesFor(threads)
  const memory = createMemory(ringLength(places, threads))
  const words = new Int32Array(new SharedArrayBuffer(4 * wordCount(places)))
  const ring: Ring = {memory, words, places, threads}
  const bytes = Buffer.from(memory.buffer)
  const module = loadInflate()
  /** Blocks that the caller has finished with. */
  let released = 0
  /** Resumes a `put` that waits for room. */
  let wakePut: (() => void) | undefined
  let taken = 0
  /** The first block of this layer. */
  let first = 0
  /** The number of blocks that the threads were woken for. */
  let announced = 0
  let hasEnded = false
  let hasStopped = false
  let failure: Error | undefined
  let sum: string | undefined
  let isClosed = false
  const workers: Worker[] = []
  try {
    for (let number = 0; number < threads; number++) workers.push(start(number))
  } catch (error) {
    void close()
    throw error
  }

  return {
    async put(block) {
      // waking a thread is expensive, so it is done for several blocks at once
      if (!hasRoom()) {
        announce()
        while (room() < places / 2 && !hasStopped && !failure)
          await new Promise<void>((resolve) => (wakePut = resolve))
      }
      if (hasStopped || failure) return false
      const number = filledCount(ring)
      bytes.set(block, storedAt(ring, number))
      fillPlace(ring, number, {stored: block.length, inflated: 0})
      return true
    },
    endBlocks() {
      hasEnded = true
      ringBell(ring)
    },
    async take() {
      released = taken
      wakePut?.()
      await until(() => isDone(ring, taken) || (hasEnded && taken === filledCount(ring)))
      const length = isDone(ring, taken) ? inflatedLengthOf(ring, taken) : foreign
      if (length === foreign) {
        abandon()
        return undefined
      }
      const at = inflatedAt(ring, taken)
      const stored = storedLengthOf(ring, taken)
      taken++
      return {bytes: bytes.subarray(at, at + length), stored}
    },
    async stop() {
      const filled = filledCount(ring)
      const left: Buffer[] = []
      for (let block = taken; block < filled; block++) {
        const at = storedAt(ring, block)
        left.push(bytes.subarray(at, at + storedLengthOf(ring, block)))
      }
      const all = Buffer.concat(left)
      await until(() => hashedCount(ring) === filled)
      const crc = taken === first ? 0 : crcAfter(ring, taken - 1)
      released = filled
      return {crc, left: all}
    },
    async hash(content) {
      for (let from = 0; from < content.length; from += largestBlock) {
        const part = content.subarray(from, from + largestBlock)
        await until(hasRoom)
        const number = filledCount(ring)
        bytes.set(part, inflatedAt(ring, number))
        fillPlace(ring, number, {stored: 0, inflated: part.length})
        released = number + 1
      }
    },
    async digest() {
      endLayer(ring)
      await until(() => sum !== undefined)
      return parseDigest(`${algorithm}:${String(sum)}`)
    },
    beginLayer() {
      first = filledCount(ring)
      taken = first
      released = first
      hasEnded = false
      hasStopped = false
      sum = undefined
    },
    abandon,
    fail,
    close,
  }

  function abandon(): void {
    hasStopped = true
    wakePut?.()
  }

  /** Wakes the threads for new blocks; returns whether there were any. */
  function announce(): boolean {
    const filled = filledCount(ring)
    if (announced === filled) return false
    announced = filled
    ringBell(ring)
    return true
  }

  function room(): number {
    return places + Math.min(released, hashedCount(ring)) - filledCount(ring)
  }

  function hasRoom(): boolean {
    return room() > 0
  }

  function start(number: number): Worker {
    const worker = startThread(new URL('inflate-worker.js', import.meta.url), {
      workerData: {ring, module, number, algorithm},
      resourceLimits,
      env: SHARE_ENV,
    })
    worker.on('message', (digest: string) => {
      sum = digest
      ringBell(ring)
    })
    worker.on('error', fail)
    worker.on('exit', (code) => {
      if (code !== 0 && !isClosed) fail(new Error(`a thread that unpacks ended with code ${code}`))
    })
    return worker
  }

  function fail(error: Error): void {
    failure ??= error
    wakePut?.()
    ringBell(ring)
  }

  async function until(isSo: () => boolean): Promise<void> {
    for (;;) {
      const count = bellCount(ring)
      if (failure) throw failure
      if (isSo()) return
      // hashed blocks make room, too
      wakePut?.()
      if (announce()) continue
      await bellAfter(ring, count)
    }
  }

  async function close(): Promise<void> {
    isClosed = true
    ringBell(ring)
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}
