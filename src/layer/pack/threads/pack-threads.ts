import {setImmediate as turn} from 'node:timers/promises'
import {type ResourceLimits, SHARE_ENV, type Worker} from 'node:worker_threads'
import {startThread} from '../../../program/program-file.js'
import {bellAfter, bellCount, ringBell} from '../../bell.js'
import type {BlockCache} from '../../compress/block-cache.js'
import type {BlockCodec} from '../../compress/codec.js'
import {createMemory} from '../../shared-memory.js'
import type {TreeWalk} from '../../tree/walked-entry.js'
import {type EntryItem, unreadFile} from '../blocks/write-tar.js'
import {type Compress, createBlockCompress} from './compress-block.js'
import {createCompressors, mostCompressors, usualPatience} from './compressors.js'
import {createFeed, type Feed, noFeed} from './feed.js'
import {type Reader, tarSum, type TarSum} from './reader.js'
import type {ReaderAnswer} from './reader-message.js'
import type {Readers} from './readers.js'
import {
  claimBlock,
  done,
  end,
  free,
  full,
  inputAt,
  isInState,
  lengthOf,
  outputAt,
  outputLengthOf,
  resetRing,
  type Ring,
  ringLength,
  setAwaited,
  setAwaitedFull,
  setOutputLength,
  setState,
  wordCount,
} from './ring.js'
import type {HeldContent} from './held-content.js'
import {causeFrom, errorFrom} from './thread-error.js'

export interface PackCall {
  readonly signal?: AbortSignal | undefined
  /** Looks each block up before it is compressed. */
  readonly cache?: BlockCache | undefined
  /** What is given to the caller may be overwritten when the caller asks for more. */
  readonly isTransient?: boolean | undefined
  /** Told how many bytes of tar are compressed so far, after each block. */
  readonly onProgress?: ((tarBytes: number) => void) | undefined
}

/** Threads that compress what another one reads, for one tar after the other. */
export interface PackThreads {
  readonly codec: BlockCodec
  /**
   * The compressed blocks of the tar of a tree, of rows, or of items, in order; the threads and a
   * reader are busy with that until its end. If it is left earlier or fails, they end, so nothing
   * waits forever. Throws what walking and reading throw (the errors of `writeTar`), the signal's
   * reason, and whatever ended a thread.
   */
  pack(
    content: TreeWalk | HeldContent | Iterable<EntryItem>,
    call?: PackCall,
  ): AsyncGenerator<Uint8Array, TarSum, undefined>
  /** Whether there are a thread that compresses and one that reads, or can be. */
  canWork(): boolean
  /** Whether they are of no more use: closed, or a tar was not packed to its end. */
  hasEnded(): boolean
  /** Ends the threads, but no reader. */
  close(): Promise<void>
}

export interface PackThreadsOptions {
  /** Threads that compress, at most. */
  readonly jobs: number
  readonly codec: BlockCodec
  /** The caller's: each tar takes one of them. */
  readonly readers: Readers
  /** Whether memory is short, because many layers are read. */
  readonly isOfMany?: boolean | undefined
  /** Default: `usualPatience`. */
  readonly patience?: number | undefined
}

/**
 * Where so many threads hash other layers, at most, a layer that is packed gets no thread more: the
 * processors have enough to do, and a thread takes 9 MiB. More find the layers faster than this one
 * could if it compressed, too.
 */
const mostWithout = 2

/** Bytes that are given to the caller in one piece, from when on no block is added. */
const mostAtOnce = 256 * 1024

/**
 * Each thread takes some 50 ms to start. The first that compresses is started with a tar that needs
 * it, others when those before are too slow. The thread that calls gets the result.
 */
export function createPackThreads({
  jobs,
  codec,
  readers,
  isOfMany = false,
  patience = usualPatience,
}: PackThreadsOptions): PackThreads {
  const most = Math.min(jobs, mostCompressors)
  const {scratch, input, output} = codec.shape
  const {places: usualPlaces, fewPlaces = usualPlaces} = codec.shape
  const places = (isOfMany ? fewPlaces : usualPlaces)(most)
  const shape = {compressors: most, places, scratch, input, output}
  const memory = createMemory(ringLength(shape))
  const words = new Int32Array(new SharedArrayBuffer(4 * wordCount(shape.places)))
  const ring: Ring = {memory, words, shape}
  const bytes = new Uint8Array(memory.buffer)
  const workers: Worker[] = []
  let failure: Error | undefined
  let isClosed = false
  const {rule, tail} = codec
  const toFill = {ring, rule, hasCrc: tail !== undefined}
  const compressors = createCompressors({codec, ring, patience, start})
  let compress: Compress | undefined
  /** For pieces that are transient. */
  const common = Buffer.allocUnsafeSlow(mostAtOnce + output)

  return {
    codec,
    async *pack(content, {signal, cache, isTransient = false, onProgress} = {}) {
      const {reader, giveBack} = await readers.take(signal)
      const wake = (): void => ringBell(ring)
      let reading: Reading | undefined
      let isWhole = false
      signal?.addEventListener('abort', wake)
      try {
        resetRing(ring)
        reading = begin(reader, content)
        const task = {shared: cache?.shared, kind: codec.kind}
        compressors.begin(task, cache || !isSpared() ? 1 : 0)
        const tar = {reading, signal}
        let tarBytes = 0
        let block = 0
        for (;;) {
          if (compressors.busy() === 0) await compressHere(block, tar)
          else await untilDone(block, tar)
          if (lengthOf(ring, block) === end) break
          const last = block + shape.places - 1
          const wasFull = isInState(ring, last, full) && lengthOf(ring, last) !== end
          const before = tarBytes
          const first = block
          let size = 0
          for (; size < mostAtOnce && isReady(block); block++) size += outputLengthOf(ring, block)
          const piece = isTransient ? common.subarray(0, size) : Buffer.allocUnsafeSlow(size)
          for (let each = first, to = 0; each < block; each++) {
            const at = outputAt(ring, each)
            const part = bytes.subarray(at, at + outputLengthOf(ring, each))
            piece.set(part, to)
            to += part.length
            tarBytes += lengthOf(ring, each)
            setState(ring, each + shape.places, free)
          }
          compressors.count(tarBytes - before, wasFull)
          onProgress?.(tarBytes)
          yield piece
        }
        for (let thread = 1; thread < compressors.busy(); thread++)
          await untilDone(block + thread, tar)
        const answer = await untilAnswered(tar)
        await until(() => !cache || compressors.haveTold(), tar)
        for (const use of compressors.takeUses()) cache?.note(use)
        isWhole = true
        return tarSum(answer)
      } finally {
        signal?.removeEventListener('abort', wake)
        reading?.feed.close()
        // threads that are in the middle of something are of no more use
        if (!isWhole) await Promise.all([close(), reader.close()])
        await giveBack()
      }
    },
    canWork: () => readers.canRead() && (isSpared() || compressors.canCompress()),
    hasEnded: () => isClosed || failure !== undefined,
    close,
  }

  /** Whether this thread compresses until a tar is large. */
  function isSpared(): boolean {
    return jobs <= mostWithout && readers.count() >= jobs
  }

  /** Gives the reader what it is to read. */
  function begin(reader: Reader, content: TreeWalk | HeldContent | Iterable<EntryItem>): Reading {
    const isListed = Symbol.iterator in content
    const feed = isListed ? createFeed(content, ring, (batch) => reader.give(batch)) : noFeed
    const reading: Reading = {feed, answer: undefined, failure: undefined}
    reader.fill(toFill, isListed ? undefined : content, {
      onWarning: (text) => {
        if (!isListed) content.onWarning(text)
      },
      onAnswer(answer) {
        reading.answer = answer
        ringBell(ring)
      },
      onFailure(error) {
        reading.failure = error
        ringBell(ring)
      },
    })
    return reading
  }

  function isReady(block: number): boolean {
    return isInState(ring, block, done) && lengthOf(ring, block) !== end
  }

  /** Compresses a block in this thread, unless it is the end. */
  async function compressHere(block: number, tar: Waiting): Promise<void> {
    setAwaitedFull(ring, block)
    await until(() => isInState(ring, block, full), tar)
    const length = lengthOf(ring, block)
    if (length === end) return
    // signals are heard, and what is done is sent
    await turn()
    // that of the first thread: if there is one it waits, or writes what is always there
    compress ??= createBlockCompress({ring, name: codec.name, module: codec.module(), number: 0})
    claimBlock(ring)
    setOutputLength(ring, block, compress(inputAt(ring, block), length, outputAt(ring, block)))
    setState(ring, block, done)
  }

  function untilDone(block: number, tar: Waiting): Promise<void> {
    setAwaited(ring, block)
    return until(() => isInState(ring, block, done), tar)
  }

  async function untilAnswered(tar: Waiting): Promise<ReaderAnswer> {
    await until(() => tar.reading.answer !== undefined, tar)
    return tar.reading.answer as ReaderAnswer
  }

  /** Wakes for the awaited block, for each batch that was read, and for each failure. */
  async function until(isOver: () => boolean, {reading, signal}: Waiting): Promise<void> {
    for (;;) {
      const count = bellCount(ring)
      signal?.throwIfAborted()
      const error = failureOf(reading) ?? failure
      if (error) throw error
      reading.feed.fill()
      if (isOver()) return
      await bellAfter(ring, count)
    }
  }

  function start(script: string, workerData: object, limits: ResourceLimits): Worker {
    const worker = startThread(new URL(script, import.meta.url), {
      workerData,
      resourceLimits: limits,
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

/** A tar while it is read. */
interface Reading {
  readonly feed: Feed
  answer: ReaderAnswer | undefined
  /** What ended the thread that reads. */
  failure: Error | undefined
}

interface Waiting {
  readonly reading: Reading
  readonly signal: AbortSignal | undefined
}

/** Why the reader did not finish. */
function failureOf({answer, feed, failure}: Reading): Error | undefined {
  if (answer?.kind === 'failed') return errorFrom(answer.error)
  if (answer?.kind !== 'unread') return failure
  const {item, doing, cause} = answer
  return unreadFile(feed.pathAt(item), {doing, cause: cause && causeFrom(cause)})
}
