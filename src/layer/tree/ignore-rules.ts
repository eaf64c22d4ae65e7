import {closeSync, constants, fstatSync, openSync, readSync} from 'node:fs'
import {join} from 'node:path'
import ignore from 'ignore'
import {LimitError, LocalIoError} from '../../errors.js'
import {quoted} from '../../oci/quoted.js'
import {errnoOf, localIoError} from '../../disk/local-io-error.js'
import {toText, type ByteString} from '../byte-string.js'

/** In the directory that is packed; gitignore syntax; not packed itself. */
export const ignoreFileName = '.injectignore'

export const largestIgnoreFile = 1024 * 1024

const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW

/**
 * Whether a path (relative to the directory, a directory with a trailing `/`) is left out of the
 * layer, by gitignore rules: those of the directory's `.injectignore`, then `patterns`, so that a
 * pattern on the command line has the last word. `undefined` when there are no rules.
 * https://git-scm.com/docs/gitignore#_pattern_format
 */
export function ignoreRules(
  directory: string,
  patterns: readonly string[],
): ((path: ByteString) => boolean) | undefined {
  return ignoreRulesOf(ignoreText(directory), patterns)
}

/** The same where `file` is the text of an `.injectignore`; `undefined` if there is none. */
export function ignoreRulesOf(
  file: string | undefined,
  patterns: readonly string[],
): ((path: ByteString) => boolean) | undefined {
  if (file === undefined && patterns.length === 0) return undefined
  const rules = ignore({ignorecase: false, allowRelativePaths: true})
  if (file !== undefined) rules.add(file).add(`/${ignoreFileName}`)
  rules.add([...patterns])
  // names that are not UTF-8 are matched as latin1, so `*` and ASCII parts work
  return (path) => rules.ignores(toText(path) ?? path)
}

/** What the directory's `.injectignore` says; `undefined` without one. */
export function ignoreText(directory: string): string | undefined {
  return readIgnoreFile(join(directory, ignoreFileName))
}

/**
 * A layer may have brought the file: so nothing but a regular file of a bounded size is read,
 * whatever it is or leads to.
 */
function readIgnoreFile(path: string): string | undefined {
  try {
    const descriptor = openSync(path, flags)
    try {
      const {size} = fstatSync(descriptor)
      if (!fstatSync(descriptor).isFile()) throw notRegular(path)
      if (size > largestIgnoreFile) throw tooLarge(path, size)
      const bytes = Buffer.alloc(size)
      return bytes.toString('utf8', 0, readSync(descriptor, bytes, 0, size, 0))
    } finally {
      closeSync(descriptor)
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw errnoOf(error) === 'ELOOP' ? notRegular(path) : localIoError(error, 'read', path)
  }
}

function notRegular(path: string): LocalIoError {
  return new LocalIoError('ERR_INJECT_IGNORE_FILE_INVALID', `${quoted(path)} is not a regular file`)
}

function tooLarge(path: string, found: number): LimitError {
  return new LimitError(
    'ERR_INJECT_IGNORE_FILE_TOO_LARGE',
    `${quoted(path)} is larger than 1 MiB`,
    {expected: largestIgnoreFile, found},
  )
}
