import {stat} from 'node:fs/promises'
import {readdirSync} from 'node:fs'

/** Threads that this process has now. */
export function threadCount(): number {
  return readdirSync('/proc/self/task').length
}

/** Until the threads that were started since there were `before` have ended, for 10 s at most. */
export function awaitThreads(before: number): void {
  const nobody = new Int32Array(new SharedArrayBuffer(4))
  for (let tries = 0; tries < 1000 && threadCount() > before; tries++)
    Atomics.wait(nobody, 0, 0, 10)
}

/** Counts worker threads: all of this process but those that there were when `begin` was called. */
export function countWorkers() {
  let before = 0
  return {
    workers: (): number => threadCount() - before,
    begin: async (): Promise<void> => {
      // the system calls of promises have threads of their own, from the first one on
      await stat('.')
      before = threadCount()
    },
  }
}
