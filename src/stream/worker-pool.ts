import type {ResourceLimits, Worker} from 'node:worker_threads'
import {startThread} from '../program/program-file.js'

/** Runs jobs in threads of their own, several at once. */
export interface WorkerPool<Job extends object, Result> {
  /**
   * Rejects with what the job failed with, when its thread or the pool ends, and with the signal's
   * reason.
   */
  run(job: Job, options?: {readonly signal?: AbortSignal | undefined}): Promise<Result>
  /** Ends the threads; jobs that are not done fail. */
  close(): Promise<void>
}

export interface WorkerPoolOptions {
  readonly resourceLimits?: ResourceLimits | undefined
}

/** What a thread posts for a job `{id, …}`. */
export type WorkerAnswer<Result> =
  | {readonly id: number; readonly result: Result}
  | {readonly id: number; readonly error: {readonly message: string; readonly code?: string}}

interface Waiting<Result> {
  readonly resolve: (result: Result) => void
  readonly reject: (error: Error) => void
}

/** A thread and the jobs that were given to it, by id. */
interface Thread<Result> {
  readonly worker: Worker
  readonly jobs: Map<number, Waiting<Result>>
}

/**
 * Up to `size` threads of `script`, each started when there is something for it to do; jobs go to
 * them in turn. A thread that dies, for whatever reason, fails the jobs that it was given, and the
 * next job for it starts another thread in its place. Throws `RangeError` unless there is at least
 * one.
 */
export function createWorkerPool<Job extends object, Result>(
  script: URL,
  size: number,
  options: WorkerPoolOptions = {},
): WorkerPool<Job, Result> {
  if (!(size >= 1)) throw new RangeError(`a pool of ${size} threads`)
  const threads: (Thread<Result> | undefined)[] = []
  let isClosed = false
  let lastId = 0

  return {
    run(job, {signal} = {}) {
      const result = new Promise<Result>((resolve, reject) => {
        signal?.throwIfAborted()
        if (isClosed) throw ended('the pool of threads is closed')
        const id = lastId++
        const {worker, jobs} = (threads[id % size] ??= start(id % size))
        const abort = (): void => {
          jobs.delete(id)
          reject(signal?.reason as Error)
        }
        signal?.addEventListener('abort', abort, {once: true})
        const settle = <T>(end: (value: T) => void) => {
          return (value: T): void => {
            signal?.removeEventListener('abort', abort)
            end(value)
          }
        }
        worker.postMessage({...job, id})
        jobs.set(id, {resolve: settle(resolve), reject: settle(reject)})
      })
      // a caller that failed elsewhere no longer waits, and closing the pool rejects its jobs
      result.catch(() => undefined)
      return result
    },
    async close() {
      isClosed = true
      await Promise.all(threads.flatMap((thread) => thread?.worker.terminate() ?? []))
    },
  }

  function start(place: number): Thread<Result> {
    const {resourceLimits} = options
    const worker = startThread(script, {...(resourceLimits && {resourceLimits})})
    const thread: Thread<Result> = {worker, jobs: new Map()}
    const fail = (error: Error): void => {
      if (threads[place] === thread) threads[place] = undefined
      for (const {reject} of thread.jobs.values()) reject(error)
      thread.jobs.clear()
    }
    worker.on('message', (answer: WorkerAnswer<Result>) => {
      const job = thread.jobs.get(answer.id)
      thread.jobs.delete(answer.id)
      if ('error' in answer)
        job?.reject(Object.assign(new Error(answer.error.message), answer.error))
      else job?.resolve(answer.result)
    })
    worker.on('messageerror', fail)
    worker.on('error', fail)
    // without an error, too: where it ends itself, or something ends it
    worker.on('exit', (code) => fail(ended(`a thread ended with code ${code}`)))
    return thread
  }
}

function ended(why: string): Error {
  return Object.assign(new Error(why), {code: 'ERR_WORKER_ENDED'})
}
