import {type ResourceLimits, SHARE_ENV, type Worker} from 'node:worker_threads'
import {type Digest, parseDigest} from '../../../oci/digest.js'
import {startThread} from '../../../program/program-file.js'
import {bellAfter, bellCount, ringBell} from '../../bell.js'
import type {BlockUse, SharedBlocks} from '../../compress/block-access.js'
import type {BlockCache} from '../../compress/block-cache.js'
import type {BlockCodec} from '../../compress/codec.js'
import {createMemory} from '../../shared-memory.js'
import {mostHeld} from '../../recording/held-entries.js'
import type {HeldRows, HeldWalk, TreeWalk} from '../../tree/walked-entry.js'
import {type EntryItem, unreadFile} from '../blocks/write-tar.js'
import {createFeed, type Feed, noFeed} from './feed.js'
import type {ReaderMessage, ReaderTask, ReadSum} from './reader-message.js'
import {
  done,
  end,
  free,
  full,
  isInState,
  lengthOf,
  outputAt,
  outputLengthOf,
  resetRing,
  type Ring,
  ringLength,
  setAwaited,
  setState,
  wordCount,
} from './ring.js'
import {causeFrom, errorFrom} from './thread-error.js'

/** The totals of a tar that was read to its end. */
export interface TarSum extends Omit<ReadSum, 'digest'> {
  readonly diffId: Digest
}

export interface PackCall {
  readonly signal?: AbortSignal | undefined
  /** Looks each block up before it is compressed. */
  readonly cache?: BlockCache | undefined
  /** What is given to the caller may be overwritten when the caller asks for more. */
  readonly isTransient?: boolean | undefined
  /** Told how many bytes of tar are compressed so far, after each block. */
  readonly onProgress?: ((tarBytes: number) => void) | undefined
}

/** Entries that are held, for one tar. */
export interface HeldContent extends Pick<HeldWalk, 'onWarning'> {
  readonly rows: HeldRows
}

/** Threads that read files and compress them, for one tar after the other. */
export interface PackThreads {
  readonly codec: BlockCodec
  /**
   * The compressed blocks of the tar of a tree, of rows, or of items, in order; the threads are
   * busy with that until its end. If it is left earlier or fails, the threads end, so nothing waits
   * forever. Throws what walking and reading throw (the errors of `writeTar`), the signal's reason,
   * and whatever ended a thread.
   */
  pack(
    content: TreeWalk | HeldContent | Iterable<EntryItem>,
    call?: PackCall,
  ): AsyncGenerator<Uint8Array, TarSum, undefined>
  /**
   * What the tar of rows comes to; otherwise as `pack`, and `onProgress` is told of the whole tar
   * only.
   */
  hash(content: HeldContent, call?: PackCall): Promise<TarSum>
  /** Whether there is a thread that compresses, or can be one. */
  canCompress(): boolean
  /** Whether they are of no more use: closed, or a tar was not packed to its end. */
  hasEnded(): boolean
  /** Ends the threads. */
  close(): Promise<void>
}

/** Threads that compress, at most: hashing is slower than so many. */
const mostCompressors = 16

/**
 * Bytes of tar that came when the ring was full before more threads compress, less those that came
 * when it was not. One is about as fast as the thread that reads small files.
 */
const usualPatience = 64 * 1024 * 1024

/** Bytes that are given to the caller in one piece, from when on no block is added. */
const mostAtOnce = 256 * 1024

/** Their heaps hold little. */
const resourceLimits: ResourceLimits = {maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 64}

/**
 * The heap of the thread that walks, which holds the names of a directory. What it finds out about
 * files lives for a moment: with less room for that, collecting it takes a tenth of a second.
 */
const readerLimits: ResourceLimits = {maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 1024}

/** The reader's last message that is not a warning. */
type Answer = Exclude<ReaderMessage, {kind: 'warning'}>

/**
 * Starts the thread that walks, reads files and hashes the tar; each thread takes some 50 ms to
 * start. Up to `jobs` compress, the first started with a tar that needs it, others when those
 * before are too slow. The thread that calls gets the result. Throws where there can be no threads.
 */
export function startPackThreads(
  jobs: number,
  codec: BlockCodec,
  patience = usualPatience,
): PackThreads {
  const compressors = Math.min(jobs, mostCompressors)
  const {scratch, input, output} = codec.shape
  const shape = {compressors, places: codec.shape.places(compressors), scratch, input, output}
  const memory = createMemory(ringLength(shape))
  const words = new Int32Array(new SharedArrayBuffer(4 * wordCount(shape.places)))
  const ring: Ring = {memory, words, shape}
  const bytes = new Uint8Array(memory.buffer)
  const workers: Worker[] = []
  let failure: Error | undefined
  let answer: Answer | undefined
  let onWarning: TreeWalk['onWarning'] | undefined
  let isClosed = false
  let shared: Uint8Array | undefined

  const {rule, tail} = codec
  const {name} = codec
  const module = codec.module()
  const reader = start('read-worker.js', {ring, rule, hasCrc: tail !== undefined}, readerLimits)
  reader.on('message', (message: ReaderMessage) => {
    if (message.kind === 'warning') onWarning?.(message.text)
    else answer = message
    ringBell(ring)
  })
  const others: Worker[] = []
  /** For pieces that are transient. */
  const common = Buffer.allocUnsafeSlow(mostAtOnce + output)
  const uses: BlockUse[] = []
  /** How many threads compress, and how far they are behind: see `usualPatience`. */
  let wanted = 1
  let waited = 0

  return {
    codec,
    async *pack(content, {signal, cache, isTransient = false, onProgress} = {}) {
      resetRing(ring)
      answer = undefined
      const feed = begin(content)
      const task = {shared: cache?.shared, kind: codec.kind}
      let busy = compressBy(wanted, {busy: 0, task})
      const wake = (): void => ringBell(ring)
      signal?.addEventListener('abort', wake)
      let isWhole = false
      try {
        let tarBytes = 0
        let block = 0
        for (;;) {
          await untilDone(block, {feed, signal})
          if (lengthOf(ring, block) === end) break
          const last = block + shape.places - 1
          const isBehind = isInState(ring, last, full) && lengthOf(ring, last) !== end
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
          const taken = tarBytes - before
          waited = isBehind ? waited + taken : Math.max(0, waited - taken)
          if (waited > patience && wanted < compressors) {
            waited = 0
            wanted = Math.min(2 * wanted, compressors)
            busy = compressBy(wanted, {busy, task})
          }
          onProgress?.(tarBytes)
          yield piece
        }
        for (let thread = 1; thread < busy; thread++)
          await untilDone(block + thread, {feed, signal})
        await until({isOver: () => answer !== undefined, feed, signal})
        await until({isOver: () => !cache || uses.length === busy, feed, signal})
        for (const use of uses.splice(0)) cache?.note(use)
        isWhole = true
        return tarSum(answer)
      } finally {
        signal?.removeEventListener('abort', wake)
        feed.close()
        // threads that are in the middle of something are of no more use
        if (!isWhole) await close()
      }
    },
    async hash({rows, onWarning: warn}, {signal, onProgress} = {}) {
      answer = undefined
      onWarning = warn
      post({rows: share(rows), isHashed: true})
      const wake = (): void => ringBell(ring)
      signal?.addEventListener('abort', wake)
      try {
        await until({isOver: () => answer !== undefined, feed: noFeed, signal})
        const sum = tarSum(answer)
        onProgress?.(sum.size)
        return sum
      } catch (error) {
        await close()
        throw error
      } finally {
        signal?.removeEventListener('abort', wake)
      }
    },
    canCompress() {
      try {
        if (others.length === 0) startCompressor()
        return true
      } catch {
        return false
      }
    },
    hasEnded: () => isClosed || failure !== undefined,
    close,
  }

  function startCompressor(): void {
    const number = others.length
    const worker = start('compress-worker.js', {ring, name, module, number}, resourceLimits)
    worker.on('message', (use: BlockUse) => {
      uses.push(use)
      ringBell(ring)
    })
    others.push(worker)
  }

  /**
   * Gives the tar to so many threads, of which some are busy with it; to fewer if no more can be
   * started. Returns how many there are.
   */
  function compressBy(count: number, {busy, task}: Compressing): number {
    try {
      while (others.length < count) startCompressor()
    } catch (error) {
      // fewer threads come to the same bytes
      if (others.length === 0) throw error
    }
    for (const worker of others.slice(busy, count)) worker.postMessage(task)
    return Math.min(others.length, count)
  }

  /** Gives the reader what it is to read. */
  function begin(content: TreeWalk | HeldContent | Iterable<EntryItem>): Feed {
    if (Symbol.iterator in content) return createFeed(content, ring, post)
    onWarning = content.onWarning
    post(
      'tree' in content
        ? {tree: content.tree, found: content.takeFound?.()}
        : {rows: share(content.rows)},
    )
    return noFeed
  }

  function post(task: ReaderTask): void {
    reader.postMessage(task)
  }

  /** In memory that is used again for the next tar: a copy for each would be garbage for long. */
  function share({pieces, ...rest}: HeldRows): HeldRows {
    shared ??= new Uint8Array(new SharedArrayBuffer(mostHeld))
    const copies: Uint8Array[] = []
    let at = 0
    for (const piece of pieces) {
      const copy = shared.subarray(at, (at += piece.length))
      copy.set(piece)
      copies.push(copy)
    }
    return {...rest, pieces: copies}
  }

  function isReady(block: number): boolean {
    return isInState(ring, block, done) && lengthOf(ring, block) !== end
  }

  function untilDone(block: number, waiting: Omit<Waiting, 'isOver'>): Promise<void> {
    setAwaited(ring, block)
    return until({...waiting, isOver: () => isInState(ring, block, done)})
  }

  /** Wakes for the awaited block, for each batch that was read, and for each failure. */
  async function until({isOver, feed, signal}: Waiting): Promise<void> {
    for (;;) {
      const count = bellCount(ring)
      signal?.throwIfAborted()
      const error = failureOf(answer, feed) ?? failure
      if (error) throw error
      feed.fill()
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

/** One tar on its way through the threads that compress. */
interface Compressing {
  readonly busy: number
  readonly task: {readonly shared: SharedBlocks | undefined; readonly kind: number}
}

/** What is done, and what counts, while something is waited for. */
interface Waiting {
  readonly isOver: () => boolean
  readonly feed: Feed
  readonly signal: AbortSignal | undefined
}

/** Why the reader did not finish. */
function failureOf(answer: Answer | undefined, feed: Feed): Error | undefined {
  if (answer?.kind === 'failed') return errorFrom(answer.error)
  if (answer?.kind !== 'unread') return undefined
  const {item, doing, cause} = answer
  return unreadFile(feed.pathAt(item), {doing, cause: cause && causeFrom(cause)})
}

function tarSum(answer: Answer | undefined): TarSum {
  if (answer?.kind !== 'sum') throw new Error('the thread that reads has not come to its end')
  const {digest, ...sum} = answer.sum
  return {...sum, diffId: parseDigest(`sha256:${digest}`)}
}
