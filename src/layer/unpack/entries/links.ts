import {closeSync, constants, copyFileSync, linkSync, openSync, type Stats} from 'node:fs'
import {errnoOf} from '../../../disk/local-io-error.js'
import {type ByteString, display} from '../../byte-string.js'
import type {EntryMetadata} from '../../entry.js'
import {readXattrs} from '../../tree/xattrs/read-xattrs.js'
import type {TreeRoot} from '../folders/tree-root.js'
import type {WrittenTree} from './written-tree.js'

/** Gives a file all that an entry says of it beside its content. */
type Describe = (descriptor: number, path: ByteString, metadata: EntryMetadata) => void

/**
 * Makes `path` another name of the file `target`, which `found` is the state of. File systems limit
 * the names of one file (ext4: 65,000, NTFS: 1,024): from there on it is a name of a copy, which
 * shares its blocks with the file where the file system can do that. `onWarning` is told once.
 */
export function createLinks(
  root: TreeRoot,
  tree: Pick<WrittenTree, 'stat' | 'place'>,
  describe: Describe,
  onWarning: (message: string) => void,
): (path: ByteString, target: ByteString, found: Stats) => void {
  /** The newest copy of a file, by the file's inode. */
  const copies = new Map<number, {readonly path: ByteString; readonly ino: number}>()
  let isTold = false

  return (path, target, found) => {
    const copy = copies.get(found.ino)
    // a later entry may have taken its place
    const isThere = copy !== undefined && tree.stat(copy.path)?.ino === copy.ino
    const from = isThere && copy.path !== path ? copy.path : target
    try {
      tree.place(path, (at) => linkSync(root.at(from), at))
    } catch (error) {
      if (errnoOf(error) !== 'EMLINK' || !found.isFile()) throw error
      if (!isTold) {
        onWarning(
          `the file system allows no more names for one file: ${display(path)} is a copy of ${display(target)}, and so are some that follow`,
        )
      }
      isTold = true
      placeCopy(path, target, found)
    }
  }

  function placeCopy(path: ByteString, target: ByteString, found: Stats): void {
    const flags = constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE
    tree.place(path, (at) => copyFileSync(root.at(target), at, flags))
    const descriptor = openSync(root.at(path), constants.O_RDONLY | constants.O_NOFOLLOW)
    try {
      const {mode, uid, gid, mtimeMs} = found
      const mtime = Math.floor(mtimeMs / 1000)
      const xattrs = readXattrs(root.access(target))
      describe(descriptor, path, {path, mode: mode & 0o7777, uid, gid, mtime, xattrs})
    } finally {
      closeSync(descriptor)
    }
    const ino = tree.stat(path)?.ino
    if (ino !== undefined) copies.set(found.ino, {path, ino})
  }
}
