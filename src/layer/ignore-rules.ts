import {closeSync, constants, openSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import ignore from 'ignore'
import {LimitError} from '../errors.js'
import {localIoError} from '../disk/local-io-error.js'
import {toText, type ByteString} from './byte-string.js'

/** In the directory that is packed; gitignore syntax; not packed itself. */
const ignoreFileName = '.injectignore'

const largestIgnoreFile = 1024 * 1024

/**
 * Whether a path (relative to the directory, a directory with a trailing `/`) is left out of the layer, by gitignore rules: those of the
 * directory's `.injectignore`, then `patterns`, so that a pattern on the command line has the last word. `undefined` when there are no rules.
 * https://git-scm.com/docs/gitignore#_pattern_format
 */
export function ignoreRules(
  directory: string,
  patterns: readonly string[],
): ((path: ByteString) => boolean) | undefined {
  const file = readIgnoreFile(join(directory, ignoreFileName))
  if (file === undefined && patterns.length === 0) return undefined
  const rules = ignore({ignorecase: false, allowRelativePaths: true})
  if (file !== undefined) rules.add(file).add(`/${ignoreFileName}`)
  rules.add([...patterns])
  // names that are not UTF-8 are matched as latin1: `*` and ASCII parts do what is meant
  return (path) => rules.ignores(toText(path) ?? path)
}

function readIgnoreFile(path: string): string | undefined {
  let bytes: Buffer
  try {
    // a FIFO of that name must not be waited for
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      bytes = readFileSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw localIoError(error, 'read', path)
  }
  if (bytes.length > largestIgnoreFile) {
    throw new LimitError('ERR_INJECT_IGNORE_FILE_TOO_LARGE', `${path} is larger than 1 MiB`, {
      expected: largestIgnoreFile,
      found: bytes.length,
    })
  }
  return bytes.toString('utf8')
}
