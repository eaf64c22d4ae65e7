import {type HeldLock, type LockOptions, withLock} from '../../../disk/lock.js'
import {createKeyedLimiter} from '../../../stream/limiter.js'

/**
 * Runs `work` with the lock at a path, after all earlier callers for the same lock, in this process
 * and in others.
 */
export type LockQueue = <T>(
  path: string,
  work: (lock: Pick<HeldLock, 'confirm'>) => Promise<T>,
  options?: LockOptions,
) => Promise<T>

/**
 * Callers in one process wait in memory, so that only the first of them asks for the lock on disk,
 * which is found free by polling: with many pushes at once that makes the order fair and the wait
 * short. With the lock on disk, `outer` is confirmed: a lock that is held all the time.
 */
export function createLockQueue(outer?: Pick<HeldLock, 'confirm'>): LockQueue {
  const callers = createKeyedLimiter(1)
  return (path, work, options) =>
    callers.run(path, () =>
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
}
