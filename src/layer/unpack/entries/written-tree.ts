import {lstatSync, mkdirSync, readdirSync, rmdirSync, type Stats, unlinkSync} from 'node:fs'
import {errnoOf} from '../../../disk/local-io-error.js'
import {type ByteString, display, parentOf} from '../../byte-string.js'
import {type TreeRoot} from '../folders/tree-root.js'
import {unsafePath} from './check-entries.js'

/**
 * What is in a tree that this run alone writes to, as far as it needs to be known to write safely.
 */
export interface WrittenTree {
  /** What is at `path` itself; `undefined` for nothing. */
  stat(path: ByteString): Stats | undefined
  /** Whether everything above `path` is a directory, not a link. */
  leadsThroughDirectories(path: ByteString): boolean
  /** Creates the directory unless it exists; returns whether it was created. */
  enterDirectory(path: ByteString): boolean
  /**
   * Makes what is missing above `path`, telling of each. Throws `UnsafeContentError` where
   * something else is in the way.
   */
  enterParent(path: ByteString, onMade: (folder: ByteString) => void): void
  /** Calls `make`; when something is at `path` already, again after removing that. */
  place<T>(path: ByteString, make: (at: string | Buffer) => T): T
  /** Whether anything was removed for that. */
  hasReplaced(): boolean
}

/** Errors are the system's own, but where it says otherwise. */
export function createWrittenTree(root: TreeRoot): WrittenTree {
  // directories are remembered until anything is removed, because looking at each parent of each
  // entry would cost as much as writing it
  const known = new Set<ByteString>()
  /** One of them, or none: what comes one after the other is mostly in the same one. */
  let latest: ByteString = ''
  let isReplaced = false
  return {
    stat,
    leadsThroughDirectories,
    enterDirectory,
    enterParent,
    place,
    hasReplaced: () => isReplaced,
  }

  function stat(path: ByteString): Stats | undefined {
    return lstatSync(root.at(path), {throwIfNoEntry: false})
  }

  function isDirectory(path: ByteString): boolean {
    if (known.has(path)) return true
    if (stat(path)?.isDirectory() !== true) return false
    known.add(path)
    return true
  }

  function leadsThroughDirectories(path: ByteString): boolean {
    // of what is known, everything above it is known as well
    if (known.has(parentOf(path))) return true
    return foldersAbove(path).every((folder) => known.has(folder) || isDirectory(detached(folder)))
  }

  function enterDirectory(path: ByteString): boolean {
    if (known.has(path)) return false
    try {
      // usually nothing is there, and checking first would cost as much
      mkdirSync(root.at(path), 0o700)
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error
      if (isDirectory(path)) return false
      makeDirectory(path)
      return true
    }
    known.add(path)
    return true
  }

  function makeDirectory(path: ByteString): void {
    place(path, (at) => mkdirSync(at, 0o700))
    known.add(path)
  }

  function enterParent(path: ByteString, onMade: (folder: ByteString) => void): void {
    const slash = path.lastIndexOf('/')
    if (slash === -1 || (slash === latest.length && path.startsWith(latest))) return
    const parent = path.slice(0, slash)
    if (known.has(parent)) {
      latest = parent
      return
    }
    for (const part of foldersAbove(path)) {
      if (known.has(part)) continue
      const folder = detached(part)
      if (isDirectory(folder)) continue
      if (stat(folder) !== undefined) {
        throw unsafePath(
          `${display(path)} leads through ${display(folder)}, which is not a directory`,
        )
      }
      makeDirectory(folder)
      onMade(folder)
    }
  }

  function place<T>(path: ByteString, make: (at: string | Buffer) => T): T {
    try {
      return make(root.at(path))
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error
      isReplaced = true
      remove(path)
      // it may have been known by other names, on a file system that takes `A` and `a` for the same
      known.clear()
      latest = ''
      return make(root.at(path))
    }
  }

  function remove(path: ByteString): void {
    if (stat(path)?.isDirectory() !== true) {
      unlinkSync(root.at(path))
      return
    }
    for (const name of readdirSync(root.at(path), {encoding: 'latin1'})) remove(`${path}/${name}`)
    root.forget()
    rmdirSync(root.at(path))
  }
}

/**
 * For keeping: a part of a string keeps the whole one in memory, which may be a megabyte of
 * slashes.
 */
export function detached(path: ByteString): ByteString {
  return Buffer.from(path, 'latin1').toString('latin1')
}

/** `a`, `a/b` of `a/b/c`. */
function foldersAbove(path: ByteString): ByteString[] {
  const folders: ByteString[] = []
  for (let end = path.indexOf('/'); end !== -1; end = path.indexOf('/', end + 1)) {
    folders.push(path.slice(0, end))
  }
  return folders
}
