import {readdirSync} from 'node:fs'
import {type ByteString, fromText, toPath} from '../../byte-string.js'

/** So many parts keep threads busy evenly. */
const enough = 64
const mostParts = 10_000
/** Of a part, in bytes: far from what the kernel takes. */
const longestPart = 1024

/**
 * Directories below `directory` that can be walked apart from each other: their relative paths, in
 * the order of a walk, none inside another. Without those that `isExcluded` leaves out, and those
 * that cannot be listed, of which the walk says what is wrong.
 */
export function listParts(
  directory: string,
  isExcluded: ((path: ByteString) => boolean) | undefined,
): readonly ByteString[] {
  const root = fromText(directory)
  let parts = foldersIn('')
  for (let before = 0; parts.length < enough && parts.length > before;) {
    before = parts.length
    const next = parts.flatMap((part) => {
      const inside = foldersIn(part)
      return inside.length > 0 ? inside : [part]
    })
    if (next.length > mostParts) break
    parts = next
  }
  return parts.slice(0, mostParts)

  function foldersIn(part: ByteString): readonly ByteString[] {
    const relative = part === '' ? '' : `${part}/`
    return namesIn(`${root}/${part}`)
      .sort((one, other) => (one < other ? -1 : 1))
      .map((name) => relative + name)
      .filter((path) => path.length <= longestPart && isExcluded?.(`${path}/`) !== true)
  }
}

function namesIn(folder: ByteString): ByteString[] {
  try {
    return readdirSync(toPath(folder), {encoding: 'latin1', withFileTypes: true})
      .filter((entry) => entry.isDirectory())
      .map(({name}) => name)
  } catch {
    return []
  }
}
