import {lstatSync} from 'node:fs'
import type {OpenFolder} from '../unpack/folders/open-folder.js'
import type {TreeChange} from '../unpack/tree-change.js'
import {openTreeRoot} from '../unpack/folders/tree-root.js'

/**
 * Whether this user can make a change to its end: root can, other users where all directories
 * that are touched are their own. Errors are the system's own.
 */
export function mayChange(
  folder: OpenFolder,
  {folders, gone}: Pick<TreeChange, 'folders' | 'gone'>,
): boolean {
  const user = process.geteuid?.() ?? 0
  if (user === 0) return true
  const tree = openTreeRoot(folder.access('.'))
  try {
    return [...gone, ...folders.map(({path}) => path)].every((path) => {
      const stat = lstatSync(tree.at(path), {throwIfNoEntry: false})
      return stat === undefined || stat.uid === user
    })
  } finally {
    tree.close()
  }
}
