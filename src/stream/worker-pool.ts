import {type ResourceLimits, Worker} from 'node:worker_threads'

/** Runs jobs in threads of their own, several at once. */
export interface WorkerPool<Job extends object, Result> {
  /** Rejects with what the job failed with, and with the signal's reason. */
  run(job: Job, options?: {readonly signal?: AbortSignal | undefined}): Promise<Result>
  /** Ends the threads; what they had to do is never answered. */
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

/**
 * Up to `size` threads of `script`, each started when there is something for it to do; jobs go to them in turn. One that dies fails all that wait. Throws `RangeError` unless there is
 * at least one.
 */
export function createWorkerPool<Job extends object, Result>(
  script: URL,
  size: number,
  options: WorkerPoolOptions = {},
): WorkerPool<Job, Result> {
  if (!(size >= 1)) throw new RangeError(`a pool of ${size} threads`)
  const waiting = new Map<number, Waiting<Result>>()
  const workers: Worker[] = []
  let lastId = 0

  return {
    run: (job, {signal} = {}) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted()
        const id = lastId++
        const worker = (workers[id % size] ??= start())
        const abort = (): void => {
          waiting.delete(id)
          reject(signal?.reason as Error)
        }
        signal?.addEventListener('abort', abort, {once: true})
        const settle = <T>(end: (value: T) => void) => {
          return (value: T): void => {
            signal?.removeEventListener('abort', abort)
            end(value)
          }
        }
        waiting.set(id, {resolve: settle(resolve), reject: settle(reject)})
        worker.postMessage({...job, id})
      }),
    close: async () => {
      await Promise.all(workers.map((worker) => worker.terminate()))
    },
  }

  function start(): Worker {
    const {resourceLimits} = options
    const worker = new Worker(script, {...(resourceLimits && {resourceLimits})})
    worker.on('message', (answer: WorkerAnswer<Result>) => {
      const job = waiting.get(answer.id)
      waiting.delete(answer.id)
      if ('error' in answer)
        job?.reject(Object.assign(new Error(answer.error.message), answer.error))
      else job?.resolve(answer.result)
    })
    worker.on('error', (error) => {
      for (const {reject} of waiting.values()) reject(error)
      waiting.clear()
    })
    return worker
  }
}
