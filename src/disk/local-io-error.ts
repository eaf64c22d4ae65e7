import {constants} from 'node:os'
import {InjectError, LocalIoError} from '../errors.js'

/**
 * What to throw for a failed call to the file system: `cannot <doing> <path>: <reason> (<ERRNO>)`,
 * with the original as cause. What does not come from the system (an abort, a bug of ours, an
 * error that says it all already) is given back unchanged.
 */
export function localIoError(error: unknown, doing: string, path: string | Buffer): Error {
  if (error instanceof InjectError) return error
  const errno = errnoOf(error)
  if (errno === undefined) return error instanceof Error ? error : new Error(String(error))
  const known = reasons[errno]
  const reason = known === undefined ? errno : `${known.reason} (${errno})`
  return new LocalIoError('ERR_INJECT_LOCAL_IO', `cannot ${doing} ${quote(path)}: ${reason}`, {
    cause: error,
    ...(known?.hint === undefined ? {} : {hint: known.hint}),
  })
}

/** `ENOENT` and the like; `undefined` for an error that is not the system's. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return undefined
  if (typeof error.code !== 'string') return undefined
  // Node's file functions have no names for some, as for a quota
  const unknown = /^Unknown system error -(\d+)$/.exec(error.code)?.[1]
  return unknown === undefined ? error.code : (names.get(Number(unknown)) ?? error.code)
}

const names = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]))

const reasons: Readonly<Record<string, {reason: string; hint?: string}>> = {
  ENOENT: {reason: 'no such file or directory', hint: 'check the path'},
  ENOTDIR: {reason: 'not a directory', hint: 'check the path'},
  EISDIR: {reason: 'it is a directory', hint: 'name a file'},
  EEXIST: {reason: 'it is there already'},
  ENOTEMPTY: {reason: 'the directory is not empty'},
  EACCES: {reason: 'permission denied', hint: 'run as another user, or change the permissions'},
  EPERM: {reason: 'not permitted', hint: 'run as another user, or change the permissions'},
  EROFS: {reason: 'the file system is read-only', hint: 'choose a place that can be written'},
  ENOSPC: {
    reason: 'no space left on the device',
    hint: 'free some space (or inodes) and run again',
  },
  EDQUOT: {reason: 'the disk quota is used up', hint: 'free some space and run again'},
  EFBIG: {reason: 'the file is larger than allowed here', hint: 'raise the limit (ulimit -f)'},
  EMFILE: {reason: 'too many open files', hint: 'raise the limit (ulimit -n)'},
  ENFILE: {reason: 'too many open files on this machine'},
  ELOOP: {reason: 'it is a symbolic link, or there are too many of them on the way'},
  ENAMETOOLONG: {reason: 'the name is too long'},
  EXDEV: {reason: 'it is on another file system'},
  EBUSY: {reason: 'it is in use'},
  ETXTBSY: {reason: 'it is in use'},
  EIO: {reason: 'the device failed'},
  EPIPE: {reason: 'its reader has closed it'},
  ESTALE: {reason: 'the network file system lost it'},
  ENOTSUP: {reason: 'this file system does not support it'},
  EOPNOTSUPP: {reason: 'this file system does not support it'},
  EINVAL: {reason: 'this file system does not accept it'},
}

/** One line whatever the path holds. */
function quote(path: string | Buffer): string {
  return JSON.stringify(path.toString()).replaceAll(
    /[\u007F-\u009F\u200E\u200F\u2028-\u202E\u2066-\u2069]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
