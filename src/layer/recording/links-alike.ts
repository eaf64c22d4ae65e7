import {fromText} from '../byte-string.js'
import {mountPoints} from '../mount-points.js'
import {keepsLinks} from '../tree/reliable-file-systems.js'

/**
 * Whether hard links in a directory are alike until a directory changes: where nothing is mounted
 * over one of them, and the file system does not part them.
 */
export function areLinksAlike(directory: string): boolean {
  const mounts = mountPoints()
  const inside = directory === '/' ? '/' : `${fromText(directory)}/`
  return (
    mounts?.every((point) => point === '/' || !point.startsWith(inside)) === true &&
    keepsLinks(directory)
  )
}
