import {readdirSync} from 'node:fs'
import {type ByteString, parentOf} from '../byte-string.js'
import {rowsIn} from '../recording/columns/rows-in.js'
import type {WalkColumns} from '../recording/columns/walk-columns.js'
import type {TreeRoot} from '../unpack/folders/tree-root.js'

export interface NamedFolders {
  /** Their paths in the directory. */
  readonly folders: ReadonlySet<ByteString>
  readonly prefixLength: number
}

/**
 * Whether directories have as many names as a walk has of them. Asked after the walk has got their
 * states: what another program adds later gives them other ones. Errors are the system's own.
 */
export function hasNames(
  tree: TreeRoot,
  walk: WalkColumns,
  {folders, prefixLength}: NamedFolders,
): boolean {
  const counts = new Map([...folders].map((path) => [path, 0]))
  for (const {path} of rowsIn(walk)) {
    if (path.length < prefixLength) continue
    const inside = path.slice(prefixLength)
    const folder = parentOf(inside)
    const count = counts.get(folder)
    if (count !== undefined) counts.set(folder, count + 1)
  }
  return [...counts].every(([path, count]) => readdirSync(tree.at(path)).length === count)
}
