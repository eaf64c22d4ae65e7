import {realpathSync, statSync} from 'node:fs'
import {localIoError} from '../disk/local-io-error.js'
import {LocalIoError} from '../errors.js'
import {ignoreRules} from '../layer/ignore-rules.js'
import {walk, type WalkedEntry, type WalkOptions} from '../layer/walk.js'

export interface DirectoryOptions extends Omit<WalkOptions, 'isExcluded'> {
  /** gitignore patterns, after those of the directory's `.injectignore`. */
  readonly exclude: readonly string[]
}

/** A local directory, to be walked as often as needed. */
export interface Directory {
  /** With every symlink resolved. */
  readonly path: string
  entries(options: DirectoryOptions): () => Iterable<WalkedEntry>
}

/** A symlink to a directory is followed, as `tar -C` does. Throws `LocalIoError` at once when there is no such directory. */
export function openDirectory(directory: string): Directory {
  const path = realDirectory(directory)
  return {
    path,
    entries: (options) => () =>
      walk(path, {...options, isExcluded: ignoreRules(path, options.exclude)}),
  }
}

function realDirectory(directory: string): string {
  let path: string
  let isDirectory: boolean
  try {
    path = realpathSync(directory)
    isDirectory = statSync(path).isDirectory()
  } catch (error) {
    throw localIoError(error, 'read directory', directory)
  }
  if (!isDirectory)
    throw new LocalIoError(
      'ERR_INJECT_NOT_A_DIRECTORY',
      `${JSON.stringify(directory)} is not a directory`,
    )
  return path
}
