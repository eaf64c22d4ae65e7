import {realpathSync, statSync} from 'node:fs'
import {localIoError} from '../../disk/local-io-error.js'
import {LocalIoError} from '../../errors.js'
import {type Output, refuseOutputsInside} from './outputs.js'
import {ignoreRules} from '../../layer/tree/ignore-rules.js'
import {walk, type WalkOptions} from '../../layer/tree/walk.js'
import type {Entries} from '../../layer/tree/walked-entry.js'

export interface DirectoryOptions extends Omit<WalkOptions, 'isExcluded' | 'detail'> {
  /** gitignore patterns, after those of the directory's `.injectignore`. */
  readonly exclude: readonly string[]
}

/** A local directory, to be walked as often as needed. */
export interface Directory {
  /** With every symlink resolved. */
  readonly path: string
  entries(options: DirectoryOptions): Entries
}

/**
 * A symlink to a directory is followed, as `tar -C` does. Throws `LocalIoError` at once when there
 * is no such directory, and `UsageError` when one of the outputs of the run lies inside it.
 */
export function openDirectory(directory: string, outputs: readonly Output[]): Directory {
  const path = realDirectory(directory)
  refuseOutputsInside(path, outputs)
  return {
    path,
    entries: (options) => (detail) =>
      walk(path, {...options, detail, isExcluded: ignoreRules(path, options.exclude)}),
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
