import {closeSync, constants, fstatSync, lstatSync, openSync, readSync} from 'node:fs'
import {errnoOf} from '../../disk/local-io-error.js'
import {type ByteString, parentOf} from '../byte-string.js'
import {PartUnavailable} from '../chunked/part-unavailable.js'
import {openTreeRoot} from '../unpack/folders/tree-root.js'

/**
 * The regular files below a directory, which nobody is believed about. What links in it lead to is
 * not: from what is fetched, a registry could tell what is in it.
 */
export interface LocalFiles {
  /** The size of a file; `undefined` for anything else, and for nothing. */
  sizeOf(path: ByteString): number | undefined
  /**
   * The bytes of a file from `offset`, `length` of them, each chunk valid until the next one is
   * asked for. Throws `PartUnavailable` where they cannot be read.
   */
  read(path: ByteString, offset: number, length: number): Generator<Uint8Array, void, undefined>
  close(): void
}

const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
const pieceSize = 256 * 1024

/** `directory` is a real path. Throws the system's errors. */
export function openLocalFiles(directory: ByteString): LocalFiles {
  const root = openTreeRoot(directory)
  const piece = Buffer.allocUnsafeSlow(pieceSize)
  const folders = new Map<ByteString, boolean>([['', true]])

  return {
    sizeOf(path) {
      try {
        if (!isFolder(parentOf(path))) return undefined
        const stat = lstatSync(root.at(path), {throwIfNoEntry: false})
        return stat?.isFile() === true ? stat.size : undefined
      } catch (error) {
        if (errnoOf(error) === undefined) throw error
        return undefined
      }
    },
    *read(path, offset, length) {
      const descriptor = openFile(path)
      try {
        for (let done = 0; done < length;) {
          const wanted = Math.min(pieceSize, length - done)
          const read = readFrom(descriptor, wanted, offset + done)
          yield piece.subarray(0, read)
          done += read
        }
      } finally {
        closeSync(descriptor)
      }
    },
    close: () => root.close(),
  }

  /** Whether no link is on the way to it. */
  function isFolder(path: ByteString): boolean {
    let found = folders.get(path)
    if (found !== undefined) return found
    found =
      isFolder(parentOf(path)) &&
      lstatSync(root.at(path), {throwIfNoEntry: false})?.isDirectory() === true
    folders.set(path, found)
    return found
  }

  function openFile(path: ByteString): number {
    return attempt(() => {
      const descriptor = openSync(root.at(path), flags)
      if (fstatSync(descriptor).isFile()) return descriptor
      closeSync(descriptor)
      throw new PartUnavailable('a file became something else')
    })
  }

  function readFrom(descriptor: number, length: number, position: number): number {
    const read = attempt(() => readSync(descriptor, piece, 0, length, position))
    if (read > 0) return read
    throw new PartUnavailable('a file became shorter')
  }
}

function attempt<T>(call: () => T): T {
  try {
    return call()
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    throw new PartUnavailable('a file cannot be read', {cause: error})
  }
}
