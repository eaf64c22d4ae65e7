import {lstatSync} from 'node:fs'
import {LocalIoError} from '../../errors.js'
import {type ByteString, display, toPath} from '../byte-string.js'
import {type FileState, stateOf} from '../tree/file-state.js'
import type {OpenFolder} from './open-folder.js'
import type {TreeRoot} from './tree-root.js'

/** A file of the new tree that is a file of the old one as well. */
export interface LinkedFile {
  /** In the new tree. */
  readonly path: ByteString
  readonly state: FileState
}

/**
 * Called before a file is removed; what it returns is called after. The removal of a name changes a
 * file's change time, so whether anybody else touched the file can be seen only right before.
 */
export type RemovalWatch = (folder: OpenFolder, name: ByteString) => (() => void) | undefined

/** Files that two trees share while one takes the place of the other. */
export interface LinkedFiles {
  add(files: readonly LinkedFile[]): void
  /**
   * Before the new tree takes the old one's place: forgets files that another entry has replaced.
   * Throws `LocalIoError` (`ERR_INJECT_DIRECTORY_CHANGED`) when somebody wrote to one.
   */
  check(root: TreeRoot): void
  /** Follows the removal of the old names; `root` is the new tree. */
  readonly watch: (root: TreeRoot) => RemovalWatch
  /** Nanoseconds since the epoch: when one of them was touched last. */
  newest(): bigint
  /** The state that a file has since; `undefined` if it might have been touched. */
  stateOf(inode: bigint): FileState | undefined
}

/** Whether nothing has happened to a file. */
export function isSameState(one: FileState, other: FileState): boolean {
  return one.ctimeNs === other.ctimeNs && isSameFile(one, other)
}

/** The same but for the change time, which a new name changes. */
export function isSameFile(one: FileState, other: FileState): boolean {
  return (
    one.ino === other.ino &&
    one.dev === other.dev &&
    one.size === other.size &&
    one.mtimeNs === other.mtimeNs
  )
}

/** A new list, for one run. */
export function createLinkedFiles(): LinkedFiles {
  const files = new Map<bigint, {path: ByteString; state: FileState}>()
  return {
    add(linked) {
      for (const {path, state} of linked) files.set(state.ino, {path, state})
    },
    check(root) {
      for (const [inode, {path, state}] of files) {
        const found = stateAt(root, path)
        if (found?.ino !== inode) files.delete(inode)
        else if (!isSameState(found, state)) throw touched(path)
      }
    },
    watch: (root) => (folder, name) => {
      const before = lstatSync(toPath(folder.access(name)), {bigint: true, throwIfNoEntry: false})
      const file = before && files.get(before.ino)
      if (!file) return undefined
      const isUntouched = isSameState(before, file.state)
      return () => {
        const after = stateAt(root, file.path)
        if (isUntouched && after && isSameFile(after, file.state)) file.state = after
        else files.delete(before.ino)
      }
    },
    newest: () => {
      let newest = 0n
      for (const {state} of files.values()) if (state.ctimeNs > newest) newest = state.ctimeNs
      return newest
    },
    stateOf: (inode) => files.get(inode)?.state,
  }
}

function stateAt(root: TreeRoot, path: ByteString): FileState | undefined {
  const stat = lstatSync(root.at(path), {bigint: true, throwIfNoEntry: false})
  return stat && stateOf(stat)
}

function touched(path: ByteString): LocalIoError {
  return new LocalIoError(
    'ERR_INJECT_DIRECTORY_CHANGED',
    `${display(path)} was changed while it was taken over`,
    {hint: 'run again when nothing writes to the directory, which is as it was'},
  )
}
