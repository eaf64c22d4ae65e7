import {constants} from 'node:fs'
import {lstat, open, readdir, readlink, symlink, unlink, writeFile} from 'node:fs/promises'
import {basename, dirname, join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {LocalIoError} from '../errors.js'
import {quoted} from '../oci/quoted.js'
import {errnoOf, localIoError} from './local-io-error.js'
import {isDead, ownedName} from './owned-name.js'
import {monotonicTime} from '../stream/clock.js'

export interface LockOptions {
  readonly signal?: AbortSignal | undefined
  /** How long to wait for another holder; 30 s. */
  readonly timeoutMs?: number | undefined
}

/**
 * Runs `work` while no other process (and no other caller in this one) holds the lock at `path`, and releases it whatever happens. A
 * holder that was killed loses the lock to the next who asks. Throws `LocalIoError` (`ERR_INJECT_LOCKED`) when a living one keeps it.
 */
export async function withLock<T>(
  path: string,
  work: () => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const token = ownedName('')
  await acquire(path, token, options)
  try {
    return await work()
  } finally {
    // read first: a lock that was wrongly taken for a dead one's is somebody else's by now
    const holder = await holderOf(path).catch(() => undefined)
    if (holder === token) await unlink(path).catch(() => undefined)
  }
}

async function acquire(path: string, token: string, options: LockOptions): Promise<void> {
  const {signal, timeoutMs = 30_000} = options
  const deadline = monotonicTime() + timeoutMs
  for (let wait = 5; ; wait = Math.min(wait * 2, 100)) {
    signal?.throwIfAborted()
    if (await claim(path, token)) {
      await clearBreakers(path)
      return
    }
    const holder = await holderOf(path)
    if (holder === undefined) continue
    if (isDead(holder, '', await idleOf(path))) {
      await breakLock(path, holder, options)
      continue
    }
    if (monotonicTime() >= deadline) throw locked(path, holder, timeoutMs)
    // not all waiters at the same instant
    const pause = wait * (0.5 + Math.random())
    // what an abort throws here is not its reason; the next round throws that
    await sleep(pause, undefined, signal && {signal}).catch(() => undefined)
  }
}

/**
 * The lock is a symbolic link to nowhere whose target names the holder: it comes into being together with its content, so that a process
 * killed at any instant leaves either no lock or one whose owner is known. A plain file where there are no symbolic links.
 */
async function claim(path: string, token: string): Promise<boolean> {
  try {
    await symlink(token, path).catch(async (error: unknown) => {
      if (!['EPERM', 'ENOTSUP', 'ENOSYS'].includes(errnoOf(error) ?? '')) throw error
      await writeFile(path, token, {flag: 'wx'})
    })
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw localIoError(error, 'create the lock', path)
  }
}

/** `undefined` when nobody holds the lock. */
async function holderOf(path: string): Promise<string | undefined> {
  try {
    return await readlink(path).catch((error: unknown) => {
      if (errnoOf(error) !== 'EINVAL') throw error
      return readToken(path)
    })
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    if (error instanceof LocalIoError) throw error
    throw localIoError(error, 'read the lock', path)
  }
}

/** The start of a plain file; a FIFO is not waited for. */
async function readToken(path: string): Promise<string> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const handle = await open(path, flags)
  try {
    if (!(await handle.stat()).isFile()) throw noLock(path)
    const {buffer, bytesRead} = await handle.read(Buffer.alloc(longestToken), 0, longestToken, 0)
    return buffer.toString('latin1', 0, bytesRead)
  } finally {
    await handle.close()
  }
}

/** More than `ownedName` ever gives. */
const longestToken = 256

async function idleOf(path: string): Promise<number> {
  return lstat(path).then(
    (stats) => Date.now() - stats.mtimeMs,
    () => 0,
  )
}

/**
 * Removing a dead holder's lock takes a lock of its own, named for that holder: nobody else can remove that one meanwhile, so what is
 * seen to be his is still his when it is removed, and never the lock of the next holder.
 */
async function breakLock(path: string, dead: string, options: LockOptions): Promise<void> {
  const remove = async (): Promise<void> => {
    if ((await holderOf(path)) !== dead) return
    await unlink(path).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return
      throw localIoError(error, 'remove the lock of a process that has ended,', path)
    })
  }
  await withLock(`${path}.${dead.slice(-16)}`, remove, options)
}

/**
 * What killed breakers left behind. The lock has a living holder now, so none of the dead ones that these are named for can have it again,
 * and removing even a living breaker's lock lets nobody remove anything but what he has seen to be dead.
 */
async function clearBreakers(path: string): Promise<void> {
  const folder = dirname(path)
  const names = await readdir(folder).catch(() => [])
  for (const name of names.filter((each) => each.startsWith(`${basename(path)}.`))) {
    if (breaker.test(name)) await unlink(join(folder, name)).catch(() => undefined)
  }
}

const breaker = /\.[0-9a-f]{16}$/

function noLock(path: string): LocalIoError {
  const message = `${quoted(path)} is in the place of a lock, and is none: neither a link nor a file`
  return new LocalIoError('ERR_INJECT_LOCKED', message, {hint: 'remove it'})
}

function locked(path: string, holder: string, timeoutMs: number): LocalIoError {
  const pid = /^\d+(?=-)/.exec(holder)?.[0]
  const owner = pid === undefined ? 'another process' : `process ${pid}`
  return new LocalIoError(
    'ERR_INJECT_LOCKED',
    `${owner} has held the lock ${quoted(path)} for ${timeoutMs / 1000} s`,
    {found: holder, hint: 'wait for it; if no such process runs anywhere, remove that file'},
  )
}
