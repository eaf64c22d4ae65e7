import {
  fchmodSync,
  fchownSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  type Stats,
} from 'node:fs'
import {localIoError} from '../../../disk/local-io-error.js'
import {ownedName} from '../../../disk/owned-name.js'
import {LocalIoError} from '../../../errors.js'
import {type ByteString, display, readable, toText} from '../../byte-string.js'
import {isMarked, isShared, markFolder} from '../../folder-mark.js'
import {isSameInode, type OpenFolder} from './open-folder.js'
import {openTreeRoot, type TreeRoot} from './tree-root.js'
import {insidePrefix} from '../../tree/walk.js'
import {xattrBinding} from '../../tree/xattrs/read-xattrs.js'

/** A folder that is filled, by the open folder that it is in. */
export interface Staging {
  readonly folder: OpenFolder
  readonly name: ByteString
}

/** The directory that is filled. */
interface StagedDirectory {
  readonly path: ByteString
  readonly parent: OpenFolder
  /** `undefined` until it is made. */
  readonly folder: OpenFolder | undefined
  readonly before: Stats | undefined
  readonly newPrefix: ByteString
}

/**
 * A new folder of this process's own, on the file system that its content is for: nobody else may
 * look into it, let alone write, until it is what it should be. Throws `LocalIoError`.
 */
export function makeStagingFolder(target: StagedDirectory, where: 'beside' | 'inside'): Staging {
  const inside = where === 'inside' ? target.folder : undefined
  const folder = inside ?? target.parent
  const name = ownedName(inside === undefined ? target.newPrefix : insidePrefix)
  try {
    folder.makeFolder(name)
  } catch (error) {
    throw localIoError(error, 'create', readable(target.path))
  }
  return {folder, name}
}

/**
 * Opens what `makeStagingFolder` made, unless somebody put something else in its place. Throws
 * `LocalIoError`.
 */
export function openStaging({folder, name}: Staging): TreeRoot {
  let tree: TreeRoot
  try {
    tree = openTreeRoot(folder.access(name))
  } catch (error) {
    throw localIoError(error, 'open', readable(name))
  }
  const {uid, mode} = fstatSync(tree.descriptor)
  if (uid !== (process.geteuid?.() ?? uid) || (mode & 0o077) !== 0) {
    tree.close()
    throw replaced(name)
  }
  dropInheritedAcls(tree.access(''))
  return tree
}

/**
 * Makes the open folder say that it is ours, where its name alone does not. Throws `LocalIoError`
 * when there is something in it that we did not put there.
 */
export function markIfNeeded(tree: TreeRoot, {folder, name}: Staging): TreeRoot {
  if (!isShared(folder.stat()) || isMarked(tree)) return tree
  try {
    if (readdirSync(tree.at('')).length > 0) throw replaced(name)
    markFolder(tree)
    return tree
  } catch (error) {
    tree.close()
    throw localIoError(error, 'create', readable(name))
  }
}

/**
 * Opens the folder by its name again. Throws `LocalIoError` when that is not the one open as `tree`
 * any more.
 */
export function openStill(tree: TreeRoot, {folder, name}: Staging): OpenFolder {
  let found: OpenFolder
  try {
    found = folder.open(name)
  } catch {
    throw replaced(name)
  }
  const [ours, theirs] = [fstatSync(tree.descriptor), found.stat()]
  if (isSameInode(theirs, ours)) return found
  found.close()
  throw replaced(name)
}

function replaced(name: ByteString): LocalIoError {
  return new LocalIoError(
    'ERR_INJECT_DIRECTORY_CHANGED',
    `somebody replaced ${display(name)} while it was written`,
    {hint: 'unpack into a folder that only you can write in'},
  )
}

/**
 * Makes the tree's own directory like the one that it is to replace, or like any new directory of
 * this user. Before anything is in the tree, because a directory is made to see what new ones are
 * like: asking for the umask would change it for a moment.
 */
export function likeBefore(tree: TreeRoot, target: StagedDirectory): () => void {
  const {before} = target
  const mode = before?.mode ?? modeOfNew(tree) | (target.parent.stat().mode & 0o2000)
  return () => {
    if (before !== undefined && process.geteuid?.() === 0) {
      fchownSync(tree.descriptor, before.uid, before.gid)
    }
    fchmodSync(tree.descriptor, mode & 0o7777)
  }
}

function modeOfNew(tree: TreeRoot): number {
  mkdirSync(tree.at('new'))
  const {mode} = lstatSync(tree.at('new'))
  rmdirSync(tree.at('new'))
  return mode
}

/**
 * A default ACL of the folder above would be in every file that is unpacked, and in the layer that
 * they are packed into again.
 */
function dropInheritedAcls(path: ByteString): void {
  const text = toText(path)
  if (text === undefined) return
  for (const name of ['system.posix_acl_default', 'system.posix_acl_access']) {
    try {
      xattrBinding()?.removeAttributeSync(text, name)
    } catch {
      // there was none
    }
  }
}
