import {closeSync, constants, existsSync, openSync} from 'node:fs'
import {type ByteString, toText} from '../../byte-string.js'

/**
 * Calls `work` with a path in UTF-8 that names what `path` names, a symbolic link itself: for
 * libraries that take text only. Folders whose names are not UTF-8 are opened and named by their
 * descriptors. `undefined` if there is no such path: for anything but a folder whose own name is
 * not UTF-8, for what cannot be opened, and without /proc.
 */
export function withTextPath<T>(
  path: ByteString,
  work: (text: string) => T,
): {readonly value: T} | undefined {
  const text = toText(path)
  if (text !== undefined) return {value: work(text)}
  const slash = path.lastIndexOf('/')
  const name = toText(path.slice(slash + 1))
  // a name that is not UTF-8 can only be a folder's, which is examined through its descriptor
  const folder = name === undefined ? path : path.slice(0, slash)
  const descriptor = existsSync('/proc/self/fd') ? openFolder(folder) : undefined
  if (descriptor === undefined) return undefined
  try {
    return {value: work(`/proc/self/fd/${descriptor}/${name ?? '.'}`)}
  } finally {
    closeSync(descriptor)
  }
}

/** O_PATH, which Node does not name, also opens what this user must not read. */
const folderFlags = 0o10000000 | constants.O_DIRECTORY | constants.O_NOFOLLOW

function openFolder(path: ByteString): number | undefined {
  try {
    return openSync(Buffer.from(path, 'latin1'), folderFlags)
  } catch {
    // not a folder, or not accessible: handled like a file
    return undefined
  }
}
