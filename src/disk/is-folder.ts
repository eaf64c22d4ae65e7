import {statSync} from 'node:fs'

/**
 * Whether a path is a folder, links followed; `false` where nothing is there. Throws what looking
 * at it throws.
 */
export function isFolder(path: string): boolean {
  return statSync(path, {throwIfNoEntry: false})?.isDirectory() === true
}
