import {LocalIoError} from '../errors.js'
import {quoted} from '../oci/quoted.js'
import {localIoError} from './local-io-error.js'
import {type LockClaim, readLock, removeLock, type SeenLock} from './lock-file.js'
import type {LockTiming} from './lock-timing.js'

/**
 * A lock that this process holds until `release`, or until it shows no sign of life for a lease.
 */
export interface HeldLock {
  /**
   * Aborts with a `LocalIoError` (`ERR_INJECT_LOCK_LOST`) when it is seen that another process has
   * taken the lock.
   */
  readonly signal: AbortSignal
  /**
   * For the moment before a change that the lock protects: throws that error when another process
   * has the lock. A process that was stopped shows a sign of life first, so that nobody takes the
   * lock right behind it.
   */
  readonly confirm: () => Promise<void>
  /** Gives the lock back; of one that was lost nothing is touched. */
  readonly release: () => Promise<void>
}

/** Longer than any waiter takes between its last look and the removal of a dead holder's lock. */
const settleMs = 200

/** Takes charge of a claim that has become the lock at `path`. */
export function holdLock(path: string, claim: LockClaim, timing: LockTiming): HeldLock {
  const lost = new AbortController()
  const end = new AbortController()
  let last = {now: timing.now(), wall: timing.wall()}

  const beat = async (): Promise<void> => {
    const {now, wall} = {now: timing.now(), wall: timing.wall()}
    await claim.beat(new Date(wall))
    last = {now, wall}
  }

  const isOurs = (): boolean => {
    if (lost.signal.aborted) return false
    const seen = readLock(path)
    if (seen?.holder?.owner === claim.owner) return true
    lost.abort(lockLost(path, seen))
    return false
  }

  /**
   * The time of day goes on while a machine sleeps, the other clock need not. When the former
   * jumps, this only asks once more.
   */
  const wasSilent = (): boolean =>
    timing.now() - last.now > timing.leaseMs / 2 ||
    Math.abs(timing.wall() - last.wall) > timing.leaseMs / 2

  const isSurelyOurs = async (): Promise<boolean> => {
    if (!isOurs()) return false
    if (!wasSilent()) return true
    await beat().catch((error: unknown) => {
      throw localIoError(error, 'renew the lock', path)
    })
    await timing.sleep(settleMs)
    return isOurs()
  }

  const keepBeating = async (): Promise<void> => {
    for (;;) {
      await timing.sleep(timing.beatMs, end.signal)
      // a disk that fails once may do the next time; who cannot show a sign of life loses the lock
      const isLost = await beat()
        .then(() => !end.signal.aborted && !isOurs())
        .catch(() => false)
      if (isLost) return
    }
  }
  void keepBeating().catch(() => undefined)

  return {
    signal: lost.signal,
    async confirm() {
      if (!(await isSurelyOurs())) throw lost.signal.reason
    },
    async release() {
      end.abort()
      try {
        if (await isSurelyOurs()) removeLock(path)
      } catch {
        // it is free after a lease
      } finally {
        await claim.close()
      }
    },
  }
}

function lockLost(path: string, seen: SeenLock | undefined): LocalIoError {
  const message = `the lock ${quoted(path)} was lost to ${describeHolder(seen)}: this process showed no sign of life for too long, or the lock was taken from it`
  return new LocalIoError('ERR_INJECT_LOCK_LOST', message, {
    hint: 'run again; what was not yet written was left alone',
  })
}

/** `process 12 on "host" (since 2026-01-02T03:04:05Z)`, or less where less is known. */
export function describeHolder(seen: SeenLock | undefined): string {
  if (seen?.holder === undefined) return 'another process'
  const {pid, host, since} = seen.holder
  return `process ${pid} on ${quoted(host)} (since ${since.replace(/\.\d+/, '')})`
}
