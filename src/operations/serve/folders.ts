import {realpath} from 'node:fs/promises'
import {basename, dirname, join, relative, resolve} from 'node:path'
import {localIoError} from '../../disk/local-io-error.js'
import {UsageError} from '../../errors.js'
import {quoted} from '../../oci/quoted.js'

/**
 * The real paths of the folders, by their given paths. Throws `UsageError`
 * (`ERR_INJECT_ROOTS_NESTED`) when one folder is inside another, because a repository of the inner
 * one would also be a repository of the outer one.
 */
export async function findFolders(
  directories: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  for (const directory of directories) found.set(directory, await realFolder(resolve(directory)))
  for (const [inner, path] of found) {
    for (const [outer, other] of found) {
      if (path === other || !isInside(path, other)) continue
      const message = `${quoted(inner)} is inside ${quoted(outer)}, and both are to be served`
      throw new UsageError('ERR_INJECT_ROOTS_NESTED', message, {
        hint: 'serve folders beside each other, or the outer one alone',
      })
    }
  }
  return found
}

/** Works for folders that do not exist yet. */
async function realFolder(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    const parent = dirname(path)
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === path)
      throw localIoError(error, 'read', path)
    return join(await realFolder(parent), basename(path))
  }
}

function isInside(path: string, outer: string): boolean {
  const way = relative(outer, path)
  return way !== '..' && !way.startsWith('../')
}
