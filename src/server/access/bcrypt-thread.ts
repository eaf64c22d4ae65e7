import type {Worker} from 'node:worker_threads'
import {startThread} from '../../program/program-file.js'

/**
 * Checks passwords in a thread of its own, in the order in which they are given: a check takes
 * long, and nobody else shall wait for it.
 */
export interface BcryptThread {
  /**
   * A wrong password, and any without a hash, is checked against the `decoys` as well, for the time
   * that takes. Rejects when the thread ends before.
   */
  isRight(password: string, hash: string | undefined, decoys: readonly string[]): Promise<boolean>
  close(): Promise<void>
}

interface Waiting {
  readonly resolve: (isRight: boolean) => void
  readonly reject: (error: Error) => void
}

/**
 * The thread starts with the first check, and again after it died; while nobody waits for it, it
 * keeps no process alive.
 */
export function createBcryptThread(): BcryptThread {
  let current: {worker: Worker; waiting: Map<number, Waiting>} | undefined
  let lastId = 0

  const start = (): NonNullable<typeof current> => {
    const worker = startThread(new URL('bcrypt-worker.js', import.meta.url), {name: 'bcrypt'})
    const waiting = new Map<number, Waiting>()
    const fail = (error: Error): void => {
      if (current?.worker === worker) current = undefined
      for (const {reject} of waiting.values()) reject(error)
      waiting.clear()
    }
    worker.on('message', ({id, isRight}: {id: number; isRight: boolean}) => {
      waiting.get(id)?.resolve(isRight)
      waiting.delete(id)
      if (waiting.size === 0) worker.unref()
    })
    worker.on('error', fail)
    worker.on('exit', () => fail(new Error('the thread that checks passwords ended')))
    return {worker, waiting}
  }

  return {
    isRight: (password, hash, decoys) =>
      new Promise((resolve, reject) => {
        const {worker, waiting} = (current ??= start())
        const id = ++lastId
        waiting.set(id, {resolve, reject})
        worker.ref()
        worker.postMessage({id, password, hash, decoys})
      }),
    close: async () => {
      await current?.worker.terminate()
    },
  }
}
