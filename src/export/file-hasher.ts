import {Worker} from 'node:worker_threads'
import type {DigestAlgorithm} from '../oci/digest.js'

/** What a file was when it was read. */
export interface FileHash {
  readonly hex: string
  readonly size: number
}

/** Hashes files, several at once, in threads that start when there is something to do. */
export interface FileHasher {
  /** Rejects with the system's error for a file that cannot be read, and with the signal's reason. */
  hash(path: string, algorithm: DigestAlgorithm, signal: AbortSignal): Promise<FileHash>
  close(): Promise<void>
}

interface Waiting {
  readonly resolve: (hash: FileHash) => void
  readonly reject: (error: Error) => void
}

interface Answer {
  readonly id: number
  readonly hex?: string
  readonly size?: number
  readonly error?: {readonly code?: string; readonly syscall?: string; readonly message: string}
}

/** At most `threads` threads. One that dies fails all that wait. */
export function createFileHasher(threads: number): FileHasher {
  const waiting = new Map<number, Waiting>()
  const workers: Worker[] = []
  let lastId = 0
  return {
    hash: (path, algorithm, signal) =>
      new Promise((resolve, reject) => {
        signal.throwIfAborted()
        const id = lastId++
        const worker = (workers[id % threads] ??= start(waiting))
        const abort = (): void => {
          reject(signal.reason as Error)
          waiting.delete(id)
        }
        signal.addEventListener('abort', abort, {once: true})
        const settle = <T>(end: (value: T) => void) => {
          return (value: T): void => {
            signal.removeEventListener('abort', abort)
            end(value)
          }
        }
        waiting.set(id, {resolve: settle(resolve), reject: settle(reject)})
        worker.postMessage({id, path, algorithm})
      }),
    close: async () => {
      await Promise.all(workers.map((worker) => worker.terminate()))
    },
  }
}

function start(waiting: Map<number, Waiting>): Worker {
  const worker = new Worker(new URL('file-hash.js', import.meta.url))
  worker.on('message', ({id, hex, size, error}: Answer) => {
    const each = waiting.get(id)
    waiting.delete(id)
    if (error) each?.reject(Object.assign(new Error(error.message), error))
    else each?.resolve({hex: hex ?? '', size: size ?? 0})
  })
  worker.on('error', (error) => {
    for (const {reject} of waiting.values()) reject(error)
    waiting.clear()
  })
  return worker
}
