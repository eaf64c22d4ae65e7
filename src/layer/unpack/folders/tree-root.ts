import {randomBytes} from 'node:crypto'
import {closeSync, constants, existsSync, openSync} from 'node:fs'
import {type ByteString, fromText, toPath} from '../../byte-string.js'

/** A directory held open: paths in it stay in it, whatever is done to the names that lead to it. */
export interface TreeRoot {
  readonly descriptor: number
  /**
   * How the kernel is told of a path in the tree (`''` is the tree itself), in bytes. Valid until
   * `forget` or `close`.
   */
  access(path: ByteString): ByteString
  /** The same, for `fs` calls. */
  at(path: ByteString): string | Buffer
  /** To be called when a directory of the tree was removed. */
  forget(): void
  close(): void
}

/**
 * Paths for the kernel stay below PATH_MAX (4,096): deeper directories are reached through an open
 * descriptor.
 */
const longestAccess = 3_500
const mostOpen = 16

const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW

/**
 * Opens `directory`, which must be one and no symlink. Its paths go through the descriptor where
 * the system lets them (Linux), so that nobody who may rename a folder above it can make us write
 * elsewhere. Errors are the system's own.
 */
export function openTreeRoot(directory: ByteString): TreeRoot {
  const descriptor = openSync(toPath(directory), flags)
  const link = procLink(descriptor)
  const base = existsSync(link) ? link : directory
  const deeper = new Map<ByteString, number>()

  return {descriptor, access, at: (path) => toPath(access(path)), forget, close}

  function access(path: ByteString): ByteString {
    // with the dot it is the directory, without it the link to it
    if (path === '') return `${base}/.`
    let folder = base
    let start = 0
    while (path.length - start > longestAccess && base !== directory) {
      const slash = path.lastIndexOf('/', start + longestAccess)
      folder = procLink(open(path.slice(0, slash)))
      start = slash + 1
    }
    return `${folder}/${path.slice(start)}`
  }

  function open(folder: ByteString): number {
    const known = deeper.get(folder)
    if (known !== undefined) return known
    if (deeper.size >= mostOpen) forget()
    const opened = openSync(toPath(access(folder)), flags)
    deeper.set(folder, opened)
    return opened
  }

  function forget(): void {
    for (const opened of deeper.values()) closeSync(opened)
    deeper.clear()
  }

  function close(): void {
    forget()
    closeSync(descriptor)
  }
}

/** By number and not as `self`: a child process is told of paths, too. */
function procLink(descriptor: number): ByteString {
  return fromText(`/proc/${process.pid}/fd/${descriptor}`)
}

/** A name in a tree that no entry has. */
export function temporaryName(): string {
  return `.inject-${randomBytes(8).toString('hex')}`
}
