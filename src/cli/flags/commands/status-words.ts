import {isFolder} from '../../../disk/is-folder.js'
import {parseReference, type Reference} from '../../../oci/names/reference.js'

/** The arguments of `status`. */
export interface StatusWords {
  readonly images: readonly Reference[]
  /** The last argument, if it is a directory. */
  readonly directory: string | undefined
}

/**
 * `IMAGE... [DIRECTORY]`: the last of several words is a directory if it is written as a path
 * (`./tree`, `/tree`), whether it is there or not, or if there is such a directory. Throws what
 * `parseReference` throws.
 */
export function splitWords(words: readonly string[]): StatusWords {
  const last = words.at(-1)
  const directory = words.length > 1 && last !== undefined && isDirectory(last) ? last : undefined
  const images = directory === undefined ? words : words.slice(0, -1)
  return {images: images.map(parseReference), directory}
}

function isDirectory(word: string): boolean {
  return /^(?:\.{0,2}\/|~|\.{1,2}$)/.test(word) || isFolder(word)
}
