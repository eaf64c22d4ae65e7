import {createHash} from 'node:crypto'
import {closeSync, constants, fstatSync, lstatSync, openSync, readSync, unlinkSync} from 'node:fs'
import {type FileHandle, link, open, unlink, writeFile} from 'node:fs/promises'
import {hostname} from 'node:os'
import * as v from 'valibot'
import {LocalIoError} from '../errors.js'
import {parseJsonValue} from '../oci/json-value.js'
import {quoted} from '../oci/quoted.js'
import {errnoOf, localIoError} from './local-io-error.js'
import {ownedName} from './owned-name.js'

/** What a lock's file says of its holder; a file of another form says nothing. */
export interface LockHolder {
  /** The name (`ownedName`) that no other holder has. */
  readonly owner: string
  readonly host: string
  readonly pid: number
  /** An ISO time, by the holder's clock. */
  readonly since: string
}

/** A lock's file at one instant. */
export interface SeenLock {
  readonly holder: LockHolder | undefined
  /** Stands for one holding of the lock: two holders never have the same. */
  readonly holding: string
  /** Changes with each sign of life. */
  readonly stamp: string
}

/** A file that is ready to become the lock. */
export interface LockClaim {
  readonly owner: string
  /** Makes it the lock, together with its content; `false` while there is one. */
  take(): Promise<boolean>
  /**
   * Changes the time of the file that became the lock, wherever that is now. Throws what the system
   * says.
   */
  beat(time: Date): Promise<void>
  /** The file is not needed any more; the lock stays. */
  close(): Promise<void>
}

/** Throws `LocalIoError`. */
export async function openClaim(path: string): Promise<LockClaim> {
  const owner = ownedName('')
  const holder = {owner, host: hostname(), pid: process.pid, since: new Date().toISOString()}
  const content = JSON.stringify(holder)
  const temporary = `${path}.${owner}`
  const unlinkTemporary = (): Promise<void> => unlink(temporary).catch(() => undefined)
  let handle = await create(temporary, content).catch((error: unknown) => {
    throw localIoError(error, 'create the lock', path)
  })
  return {
    owner,
    async take() {
      try {
        await link(temporary, path).catch(async (error: unknown) => {
          if (!noLinks.includes(errnoOf(error) ?? '')) throw error
          // killed between its two steps, this leaves a file that says nothing: it is free after a
          // lease
          const made = await create(path, content)
          await handle.close()
          handle = made
        })
        await unlinkTemporary()
        return true
      } catch (error) {
        // a network file system that repeats a request says so of its own success
        if (errnoOf(error) === 'EEXIST') return readLock(path)?.holder?.owner === owner
        throw localIoError(error, 'create the lock', path)
      }
    },
    async beat(time) {
      await handle.utimes(time, time).catch(async (error: unknown) => {
        if (readLock(path)?.holder?.owner !== owner) throw error
        // a user who cannot set times can still write
        await writeFile(path, content, {flag: 'r+'})
      })
    },
    async close() {
      await unlinkTemporary()
      await handle.close().catch(() => undefined)
    },
  }
}

const noLinks: readonly string[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']

/**
 * For its owner alone: where a web server hands out the folder, nobody is told of our processes.
 */
async function create(path: string, content: string): Promise<FileHandle> {
  const handle = await open(path, 'wx', 0o600)
  try {
    await handle.write(content)
    await handle.close()
    // one that is open for writing would keep its file system from becoming read-only
    return await open(path, 'r')
  } catch (error) {
    await handle.close().catch(() => undefined)
    await unlink(path).catch(() => undefined)
    throw error
  }
}

/**
 * `undefined` when nobody holds the lock. It is opened each time: a network file system asks its
 * server then, and not what it remembers. Synchronous, so that nothing comes between what it says
 * and what is done then. Throws `LocalIoError`.
 */
export function readLock(path: string): SeenLock | undefined {
  let descriptor: number | undefined
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const stats = fstatSync(descriptor, {bigint: true})
    if (!stats.isFile()) throw notALock(path)
    const content = Buffer.alloc(longest)
    return toSeen(content.toString('utf8', 0, readSync(descriptor, content)), stats)
  } catch (error) {
    const errno = errnoOf(error) ?? ''
    if (errno === 'ENOENT') return undefined
    // of another user, or a link, as a lock was before
    if (['EACCES', 'EPERM', 'ELOOP'].includes(errno)) return lookAtLock(path)
    throw localIoError(error, 'read the lock', path)
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

/** What can be said of a lock that cannot be opened. */
function lookAtLock(path: string): SeenLock | undefined {
  try {
    const stats = lstatSync(path, {bigint: true})
    if (!stats.isFile() && !stats.isSymbolicLink()) throw notALock(path)
    return toSeen('', stats)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw localIoError(error, 'read the lock', path)
  }
}

function toSeen(
  text: string,
  {dev, ino, mtimeNs}: {readonly dev: bigint; readonly ino: bigint; readonly mtimeNs: bigint},
): SeenLock {
  const parsed = v.safeParse(shape, parseJsonValue(text))
  const holder = parsed.success ? parsed.output : undefined
  // the owner's name is another one each time; the number of a file is not
  const id = holder ? holder.owner : JSON.stringify([text, String(dev), String(ino)])
  const holding = createHash('sha256').update(id).digest('hex').slice(0, 16)
  return {holder, holding, stamp: `${holding}-${mtimeNs}`}
}

const shape = v.object({
  owner: v.pipe(v.string(), v.regex(/^\d{1,10}-\d{1,20}-[0-9a-f]{8}-[0-9a-f]{16}$/)),
  host: v.pipe(v.string(), v.maxLength(255)),
  pid: v.pipe(v.number(), v.safeInteger()),
  since: v.pipe(v.string(), v.isoTimestamp()),
})

/** Bytes; more than `openClaim` ever writes. */
const longest = 1024

/** One that is gone already is fine. Throws `LocalIoError`. */
export function removeLock(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return
    throw localIoError(error, 'remove the lock', path)
  }
}

function notALock(path: string): LocalIoError {
  const message = `${quoted(path)} is in place of a lock, and is not a file`
  return new LocalIoError('ERR_INJECT_LOCKED', message, {hint: 'remove it'})
}
