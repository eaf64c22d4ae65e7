import {futimesSync, lstatSync} from 'node:fs'
import {errnoOf, localIoError} from './local-io-error.js'
import {type LockTiming, lockTiming} from './lock-timing.js'
import {forget, judge} from './lock-watch.js'

/**
 * Changes the time of an open folder every few seconds, as the holder of a lock does, until the
 * function that is given is called.
 */
export function keepAlive(descriptor: number, {beatMs} = lockTiming): () => void {
  const timer = setInterval(() => {
    try {
      const now = Date.now() / 1000
      futimesSync(descriptor, now, now)
    } catch {
      // anyone who shows no sign of life may be taken for dead; nothing is worse than that
    }
  }, beatMs)
  timer.unref()
  return () => {
    clearInterval(timer)
  }
}

/**
 * Whether the process whose folder this is has ended, by the rules of locks: it is asked for on
 * this machine; of any other one a sign of life is waited for, as long as a lease. `owner` is the
 * folder's name from `ownedName('')`.
 */
export async function isAbandoned(
  path: string | Buffer,
  owner: string,
  {
    timing = lockTiming,
    signal,
  }: {timing?: LockTiming | undefined; signal?: AbortSignal | undefined},
): Promise<boolean> {
  const key = path.toString()
  for (;;) {
    signal?.throwIfAborted()
    const stamp = stampOf(path)
    const state = stamp === undefined ? 'dead' : judge(key, {owner, holding: owner, stamp}, timing)
    if (state !== 'unsure') {
      forget(key)
      return state === 'dead'
    }
    await timing.sleep(timing.beatMs / 10, signal).catch(() => undefined)
  }
}

function stampOf(path: string | Buffer): string | undefined {
  try {
    const {ino, mtimeNs} = lstatSync(path, {bigint: true})
    return `${ino}-${mtimeNs}`
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw localIoError(error, 'read', path)
  }
}
