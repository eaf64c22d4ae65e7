import {randomUUID} from 'node:crypto'
import {closeSync, constants, lstatSync, openSync, renameSync} from 'node:fs'
import {errnoOf} from '../../disk/local-io-error.js'
import {type ByteString, toPath, parentOf} from '../byte-string.js'
import {createMetadataWriter} from './entries/apply-metadata.js'
import type {OpenFolder} from './folders/open-folder.js'
import type {FolderChange, TreeChange} from './tree-change.js'
import type {TreeRoot} from './folders/tree-root.js'

export interface MakeChangeOptions {
  /** The directory that is changed. */
  readonly tree: OpenFolder
  /** The work folder, with what comes. */
  readonly work: TreeRoot
  readonly onWarning: (message: string) => void
}

/**
 * Makes a change step by step. Left at any step, also by the end of the process, it can be made
 * again from the start. It goes through open directories and follows no link, so it stays in the
 * directory whatever others do there. Errors are the system's own.
 */
export function* makeChange(
  change: TreeChange,
  {tree, work, onWarning}: MakeChangeOptions,
): Generator<void, void, undefined> {
  const metadata = createMetadataWriter(onWarning)
  const isRoot = process.geteuid?.() === 0
  let here: {readonly path: ByteString; readonly folder: OpenFolder} = {path: '', folder: tree}
  try {
    for (const path of change.removed) {
      unlink(...parted(path))
      yield
    }
    for (const path of change.gone) {
      removeFolder(...parted(path))
      yield
    }
    for (const path of change.made) {
      makeFolder(...parted(path))
      yield
    }
    for (const [path, from, inode] of change.put) {
      put(path, from, inode)
      yield
    }
    for (const folder of change.folders) {
      describe(folder)
      yield
    }
  } finally {
    leave()
  }

  function leave(): void {
    if (here.folder !== tree) here.folder.close()
    here = {path: '', folder: tree}
  }

  /** Gives itself the rights to change it: it gets its own mode in the end. */
  function enter(path: ByteString): OpenFolder {
    if (path === here.path && path !== '') return here.folder
    leave()
    let folder = tree
    for (const name of path === '' ? [] : path.split('/')) {
      if (!isRoot && (folder.stat().mode & 0o100) === 0) giveRights(folder)
      const inner = folder.open(name)
      if (folder !== tree) folder.close()
      folder = inner
    }
    here = {path, folder}
    if (!isRoot && (folder.stat().mode & 0o700) !== 0o700) giveRights(folder)
    return folder
  }

  function unlink(parent: ByteString, name: ByteString): void {
    unlessGone(() => {
      const folder = enter(parent)
      // a directory is one that has come already
      if (folder.find(name)?.isDirectory() === false) folder.unlink(name)
    })
  }

  function removeFolder(parent: ByteString, name: ByteString): void {
    unlessGone(() => {
      const folder = enter(parent)
      if (folder.find(name)?.isDirectory() !== true) return
      try {
        folder.removeFolder(name)
      } catch (error) {
        if (!isFilled(error)) throw error
        clearWay(folder, name)
      }
    })
  }

  /** What other programs put there meanwhile goes with the work folder. */
  function clearWay(folder: OpenFolder, name: ByteString): void {
    const found = folder.find(name)
    if (!found) return
    if (found.isDirectory()) {
      const inner = folder.open(name)
      try {
        if (!isRoot && (found.mode & 0o200) === 0) giveRights(inner)
      } finally {
        inner.close()
      }
    }
    renameSync(toPath(folder.access(name)), work.at(`${inTheWay}${randomUUID()}`))
  }

  function makeFolder(parent: ByteString, name: ByteString): void {
    const folder = enter(parent)
    if (folder.find(name)?.isDirectory() === true) return
    clearWay(folder, name)
    folder.makeFolder(name)
  }

  function put(path: ByteString, from: ByteString, inode: string): void {
    const [parent, name] = parted(path)
    const folder = enter(parent)
    const to = toPath(folder.access(name))
    if (folder.find(name)?.isDirectory() === true) clearWay(folder, name)
    try {
      renameSync(work.at(from), to)
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error
      const come = lstatSync(to, {bigint: true, throwIfNoEntry: false})
      if (come?.ino.toString() !== inode) throw error
    }
  }

  function describe({path, ...described}: FolderChange): void {
    const folder = enter(path)
    const {uid, gid} = folder.stat()
    const descriptor = openSync(toPath(folder.access('.')), openFlags)
    try {
      const entry = {path, xattrs: undefined, ...described}
      metadata.toDescriptor(descriptor, entry, () => undefined, {owner: {uid, gid}})
    } finally {
      closeSync(descriptor)
    }
    leave()
  }
}

/** When a change is made again, directories may have gone already, with others in their places. */
function unlessGone(remove: () => void): void {
  try {
    remove()
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error) ?? '')) throw error
  }
}

function isFilled(error: unknown): boolean {
  return ['ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '')
}

function giveRights(folder: OpenFolder): void {
  folder.chmod((folder.stat().mode & 0o7777) | 0o700)
}

const inTheWay = 'in-the-way-'
const openFlags = constants.O_RDONLY | constants.O_DIRECTORY

function parted(path: ByteString): [parent: ByteString, name: ByteString] {
  return [parentOf(path), path.slice(path.lastIndexOf('/') + 1)]
}
