import {type ResourceLimits, SHARE_ENV} from 'node:worker_threads'
import {type Digest, parseDigest} from '../../../oci/digest.js'
import {startThread} from '../../../program/program-file.js'
import {waitFor} from '../../../stream/wait-for.js'
import type {TreeWalk} from '../../tree/walked-entry.js'
import type {Batch} from './batch.js'
import type {
  ReaderAnswer,
  ReaderMessage,
  ReaderTask,
  ReadSum,
  RingToFill,
} from './reader-message.js'
import type {HeldContent} from './held-content.js'
import {errorFrom} from './thread-error.js'

/** The totals of a tar that was read to its end. */
export interface TarSum extends Omit<ReadSum, 'digest'> {
  readonly diffId: Digest
}

/** Who is told of the tar that is read. */
export interface ReaderListener extends Pick<TreeWalk, 'onWarning'> {
  /** At the end of the tar. */
  readonly onAnswer: (answer: ReaderAnswer) => void
  /** The thread has ended. */
  readonly onFailure: (error: Error) => void
}

export interface HashCall {
  readonly signal?: AbortSignal | undefined
  /** Told of the whole tar, in bytes. */
  readonly onProgress?: ((tarBytes: number) => void) | undefined
}

/** A thread that walks, reads files and hashes their tar: one tar after the other. */
export interface Reader {
  /**
   * What the tar of rows comes to. Throws the errors of `writeTar`, the signal's reason, and
   * whatever ended the thread; it has ended then.
   */
  hash(content: HeldContent, call?: HashCall): Promise<TarSum>
  /**
   * Begins to fill a ring with the blocks of a tar: of a tree, of rows, or (`undefined`) of the
   * batches that `give` gets. Throws what ended the thread.
   */
  fill(to: RingToFill, content: TreeWalk | HeldContent | undefined, listener: ReaderListener): void
  give(batch: Batch): void
  /** Whether it is of no more use. */
  hasEnded(): boolean
  /** Ends the thread. */
  close(): Promise<void>
}

/**
 * What a reader is for: `walk` needs more memory than `rows`, from which entries come one by one,
 * and so do those of batches.
 */
export type ReaderHeap = 'walk' | 'rows'

/**
 * Of a heap that holds the names of a directory. What is found out about files lives for a moment:
 * with less room for that, collecting it takes a tenth of a second in a walk.
 */
const limits: Readonly<Record<ReaderHeap, ResourceLimits>> = {
  walk: {maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 1024},
  rows: {maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 1024},
}

/** Starts the thread, which takes some 50 ms. Throws where there can be no threads. */
export function startReader(heap: ReaderHeap): Reader {
  const url = new URL('read-worker.js', import.meta.url)
  const worker = startThread(url, {resourceLimits: limits[heap], env: SHARE_ENV})
  let ring: RingToFill | undefined
  let listener: ReaderListener | undefined
  let failure: Error | undefined
  worker.on('message', (message: ReaderMessage) => {
    if (message.kind === 'warning') listener?.onWarning(message.text)
    else listener?.onAnswer(message)
  })
  worker.on('error', fail)
  worker.on('exit', (code) => fail(new Error(`a thread that reads ended with code ${code}`)))

  return {
    async hash({rows, onWarning}, {signal, onProgress} = {}) {
      try {
        signal?.throwIfAborted()
        const answered = new Promise<ReaderAnswer>((resolve, reject) => {
          listen({onWarning, onAnswer: resolve, onFailure: reject})
        })
        post({rows, isHashed: true})
        const sum = tarSum(await waitFor(answered, signal))
        onProgress?.(sum.size)
        return sum
      } catch (error) {
        await close()
        throw error
      } finally {
        listener = undefined
      }
    },
    fill(to, content, next) {
      listen(next)
      if (to !== ring) worker.postMessage(to)
      ring = to
      if (!content) return
      if ('rows' in content) post({rows: content.rows})
      else post({tree: content.tree, found: content.takeFound?.()})
    },
    give: post,
    hasEnded: () => failure !== undefined,
    close,
  }

  function listen(next: ReaderListener): void {
    if (failure) throw failure
    listener = next
  }

  function post(task: ReaderTask): void {
    worker.postMessage(task)
  }

  function fail(error: Error): void {
    failure ??= error
    listener?.onFailure(failure)
  }

  async function close(): Promise<void> {
    failure ??= new Error('a thread that reads is closed')
    await worker.terminate()
  }
}

/** The totals in an answer; throws the error if there is one. */
export function tarSum(answer: ReaderAnswer): TarSum {
  if (answer.kind === 'failed') throw errorFrom(answer.error)
  if (answer.kind !== 'sum') throw new Error(`cannot ${answer.doing} the item ${answer.item}`)
  const {digest, ...sum} = answer.sum
  return {...sum, diffId: parseDigest(`sha256:${digest}`)}
}
