import {readdir, unlink} from 'node:fs/promises'
import {basename, dirname, join} from 'node:path'
import {LocalIoError} from '../errors.js'
import {quoted} from '../oci/quoted.js'
import {describeHolder, type HeldLock, holdLock} from './held-lock.js'
import {type LockClaim, openClaim, readLock, removeLock, type SeenLock} from './lock-file.js'
import {type LockTiming, lockTiming} from './lock-timing.js'
import {forget, judge} from './lock-watch.js'
import {clearDead} from './owned-name.js'

export type {HeldLock} from './held-lock.js'

export interface LockOptions {
  readonly signal?: AbortSignal | undefined
  /** How long to wait for a holder that lives; 30 s. */
  readonly timeoutMs?: number | undefined
  /**
   * Do not wait, however long, to see whether a holder that cannot be asked lives: it counts as
   * living.
   */
  readonly trusting?: boolean | undefined
  /** Take the lock from its holder. */
  readonly takeOver?: boolean | undefined
  /** Called once, with words for the holder, when it takes longer to see whether that lives. */
  readonly onUnsure?: ((holder: string) => void) | undefined
  readonly timing?: LockTiming | undefined
}

/**
 * Runs `work` while no other process (and no other caller in this one) holds the lock at `path`,
 * and releases it whatever happens. Before each change that the lock is for, `work` calls
 * `confirm`. Throws what `acquireLock` throws.
 */
export async function withLock<T>(
  path: string,
  work: (lock: HeldLock) => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const lock = await acquireLock(path, options)
  try {
    return await work(lock)
  } finally {
    await lock.release()
  }
}

/**
 * Takes the lock at `path`: a file that names its holder, and whose time the holder changes every
 * few seconds. A holder that has ended on this machine loses the lock at once, any other when it
 * has shown no sign of life for a lease (30 s), measured by the process that waits. Throws
 * `LocalIoError` (`ERR_INJECT_LOCKED`) when a living one keeps it.
 */
export async function acquireLock(path: string, options: LockOptions = {}): Promise<HeldLock> {
  const {timing = lockTiming} = options
  const claim = await openClaim(path)
  try {
    await waitFor(path, claim, options)
  } catch (error) {
    await claim.close()
    throw error
  }
  forget(path)
  const lock = holdLock(path, claim, timing)
  await clearLeftovers(path)
  return lock
}

async function waitFor(path: string, claim: LockClaim, options: LockOptions): Promise<void> {
  const {signal, timeoutMs = 30_000, trusting = false, timing = lockTiming} = options
  const started = timing.now()
  let {takeOver = false, onUnsure} = options
  for (let wait = 5; ; wait = Math.min(wait * 2, 100)) {
    signal?.throwIfAborted()
    if (await claim.take()) return
    const seen = readLock(path)
    if (seen === undefined) continue
    const state = judge(path, {...seen, owner: seen.holder?.owner}, timing)
    if (state === 'dead' || takeOver) {
      await breakLock(path, seen, {isForced: takeOver, options})
      takeOver = false
      continue
    }
    const waited = timing.now() - started
    if (waited >= timeoutMs && (state === 'alive' || trusting)) throw locked(path, seen, waited)
    if (state === 'unsure' && waited > timing.beatMs / 5) {
      onUnsure?.(describeHolder(seen))
      onUnsure = undefined
    }
    // not all waiters at the same instant
    const pause = wait * (0.5 + Math.random())
    // what an abort throws here is not its reason; the next round throws that
    await timing.sleep(pause, signal).catch(() => undefined)
  }
}

/**
 * Removing a dead holder's lock takes a lock of its own, named for that holding: nobody else can
 * remove that one meanwhile, so what is seen to be the dead one's is still that when it is removed,
 * and never the lock of the next holder.
 */
async function breakLock(
  path: string,
  seen: SeenLock,
  {isForced, options}: {readonly isForced: boolean; readonly options: LockOptions},
): Promise<void> {
  const {signal, timing} = options
  const remove = (): Promise<void> => {
    const now = readLock(path)
    // it lives after all
    const isSame = isForced ? now?.holding === seen.holding : now?.stamp === seen.stamp
    if (isSame) removeLock(path)
    return Promise.resolve()
  }
  await withLock(`${path}.${seen.holding}`, remove, {signal, timing})
}

/**
 * What killed breakers and claimants left behind. The lock has a living holder now, so none of the
 * dead ones that breakers are named for can have it again, and removing even a living breaker's
 * lock lets nobody remove anything but what was seen to be dead.
 */
async function clearLeftovers(path: string): Promise<void> {
  const folder = dirname(path)
  const prefix = `${basename(path)}.`
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.startsWith(prefix))
  for (const name of names)
    if (breaker.test(name.slice(prefix.length)))
      await unlink(join(folder, name)).catch(() => undefined)
  if (names.length > 0) await clearDead(folder, prefix)
}

const breaker = /^[0-9a-f]{16}$/

function locked(path: string, seen: SeenLock, waited: number): LocalIoError {
  const after =
    waited < 1000 ? '' : `, and did not give it back within ${Math.round(waited / 1000)} s`
  return new LocalIoError(
    'ERR_INJECT_LOCKED',
    `${describeHolder(seen)} holds the lock ${quoted(path)}${after}`,
    {
      found: describeHolder(seen),
      hint: 'wait for it or end it; the lock of a process that has died is free within 45 s',
    },
  )
}
