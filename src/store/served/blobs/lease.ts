// A lease says that a blob was just asked for, put, mounted or read, so that no collector removes
// it before its manifest arrives. It is the file's time of modification: seen by every process,
// gone with the file, no state of its own to tidy up. Blobs that repositories share are one file,
// so a lease in one holds in all, which keeps some a little longer and loses none.
import type {Stats} from 'node:fs'
import {lutimes} from 'node:fs/promises'
import {errnoOf, localIoError} from '../../../disk/local-io-error.js'
import {isAbsent} from '../../../disk/error-answers.js'

/**
 * A lease is renewed when it is older than this: a blob that is asked for all the time costs one
 * write in ten seconds, and is hashed once for it.
 */
const leaseStepMs = 10_000

/**
 * Whether the lease of a file that was last used at `mtimeMs` need not be renewed yet. A time in
 * the future is a clock that was set back: taken as of now, or it would never end.
 */
function isNewLease(mtimeMs: number, now = Date.now()): boolean {
  return Math.abs(now - mtimeMs) < leaseStepMs
}

/**
 * What a lease that begins now sets, in seconds: whole milliseconds, and no whole second, which
 * programs set that know nothing finer.
 */
export function leaseTime(): number {
  const now = Date.now()
  return (now % 1000 === 0 ? now + 1 : now) / 1000
}

/**
 * Renews the lease of the file at `path`, as `stats` show it. `false` when it is gone meanwhile.
 * What must not be written is not collected.
 */
export async function renewLease(path: string, stats?: Pick<Stats, 'mtimeMs'>): Promise<boolean> {
  if (stats !== undefined && isNewLease(stats.mtimeMs)) return true
  try {
    const time = leaseTime()
    // not through a link that somebody put there meanwhile
    await lutimes(path, time, time)
    return true
  } catch (error) {
    if (isAbsent(error)) return false
    if (['EROFS', 'EPERM', 'EACCES', 'ENOSYS'].includes(errnoOf(error) ?? '')) return true
    throw localIoError(error, 'set the time of', path)
  }
}

/**
 * Whether a file that was last used at `mtimeMs` is to be kept for now. Without a grace period
 * nothing is.
 */
export function isLeased(mtimeMs: number, graceMs: number, now = Date.now()): boolean {
  if (graceMs <= 0) return false
  return now - mtimeMs < graceMs + leaseStepMs
}
