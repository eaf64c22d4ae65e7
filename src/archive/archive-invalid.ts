import {InjectError, IntegrityError, LimitError} from '../errors.js'

/**
 * The error for an archive of images that is damaged, or that two readers could take for different
 * things; `name` is as the user knows it.
 */
export function archiveInvalid(
  name: string,
  why: string,
  more: {readonly cause?: unknown; readonly hint?: string} = {},
): IntegrityError {
  return new IntegrityError('ERR_INJECT_ARCHIVE_INVALID', `${name} cannot be read: ${why}`, more)
}

/**
 * What the reading of a tar throws speaks of layers: the same of an archive. Limits stay limits.
 * `at` is the entry where that is.
 */
export function asArchiveError(error: unknown, name: string, at?: string): unknown {
  if (!(error instanceof InjectError) || error instanceof LimitError) return error
  if (error.code === 'ERR_INJECT_ARCHIVE_INVALID' || error.code === 'ERR_INJECT_LOCAL_IO')
    return error
  const why = error.message.replace(/^the layer is corrupt: /, '')
  return archiveInvalid(name, at === undefined ? why : `${why}, ${at}`, {
    cause: error,
    hint: 'save or copy the image again',
  })
}
