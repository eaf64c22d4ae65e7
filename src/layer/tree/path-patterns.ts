import ignore from 'ignore'
import {type ByteString, toText} from '../byte-string.js'

/**
 * Whether a path (relative to the root, a directory with a trailing `/`) is one that the patterns
 * name, in gitignore syntax: a directory stands for all that is in it. `undefined` without any.
 * https://git-scm.com/docs/gitignore#_pattern_format
 */
export function pathPatterns(
  patterns: readonly string[],
): ((path: ByteString) => boolean) | undefined {
  if (patterns.length === 0) return undefined
  const rules = ignore({ignorecase: false, allowRelativePaths: true}).add([...patterns])
  // names that are not UTF-8 are matched as latin1, so `*` and ASCII parts work
  return (path) => rules.ignores(toText(path) ?? path)
}
