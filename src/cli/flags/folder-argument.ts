import {isFolder} from '../../disk/is-folder.js'
import {UsageError} from '../../errors.js'
import {quoted} from '../../oci/quoted.js'

/**
 * Checks the two arguments IMAGE and DIRECTORY of `command`. Throws `UsageError` for `-`, since no
 * command streams a directory, and where the two are swapped: the first is a folder, and the second
 * is not a path but looks like an image.
 */
export function checkFolderArgument(command: string, image: string, directory: string): void {
  if (directory === '-') {
    throw new UsageError('ERR_INJECT_USAGE', `inject ${command} cannot use "-" as DIRECTORY`, {
      hint: 'pass a directory, or ./- for one of that name',
    })
  }
  // only to word an error: a path that cannot be looked at is left to the command
  const looksLikeImage = /[:/]/.test(directory) && !/^[./~]/.test(directory)
  if (!looksLikeImage || !isFolder(image) || isFolder(directory)) return
  throw new UsageError('ERR_INJECT_USAGE', `${quoted(image)} is a directory, not an image`, {
    hint: `the image comes first: inject ${command} ${directory} ${image}`,
  })
}
