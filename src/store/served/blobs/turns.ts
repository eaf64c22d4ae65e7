import {quietly} from '../../../disk/error-answers.js'
import {type HeldLock, type LockOptions, withLock} from '../../../disk/lock.js'

/**
 * Runs `work` after all earlier callers of the same lock, in this process and
 * in others.
 */
export type Turns = <T>(
  path: string,
  work: (lock: Pick<HeldLock, 'confirm'>) => Promise<T>,
  options?: LockOptions,
) => Promise<T>

/**
 * Callers in one process form a queue in memory, so that only its head asks for the lock on disk,
 * which is found free by polling: with many pushes at once that is the difference between fair and
 * fast, and neither. With the lock on disk, `outer` is confirmed: a lock that is held all the time.
 */
export function createTurns(outer?: Pick<HeldLock, 'confirm'>): Turns {
  const tails = new Map<string, Promise<unknown>>()
  return async (path, work, options) => {
    const before = tails.get(path)
    const turn = quietly(before ?? Promise.resolve()).then(() =>
      withLock(
        path,
        async (lock) => {
          const confirm = async (): Promise<void> => {
            await outer?.confirm()
            await lock.confirm()
          }
          await outer?.confirm()
          return work({confirm})
        },
        options,
      ),
    )
    tails.set(path, turn)
    try {
      return await turn
    } finally {
      if (tails.get(path) === turn) tails.delete(path)
    }
  }
}
