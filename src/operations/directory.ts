import {existsSync, realpathSync, statSync} from 'node:fs'
import {localIoError} from '../disk/local-io-error.js'
import {LocalIoError, UsageError} from '../errors.js'
import {quoted} from '../oci/quoted.js'
import type {Reference} from '../oci/reference.js'
import {ignoreRules} from '../layer/ignore-rules.js'
import {walk, type WalkOptions} from '../layer/walk.js'
import type {Entries} from '../layer/walked-entry.js'

export interface DirectoryOptions extends Omit<WalkOptions, 'isExcluded'> {
  /** gitignore patterns, after those of the directory's `.injectignore`. */
  readonly exclude: readonly string[]
}

/** A local directory, to be walked as often as needed. */
export interface Directory {
  /** With every symlink resolved. */
  readonly path: string
  entries(options: DirectoryOptions): Entries
}

/** A symlink to a directory is followed, as `tar -C` does. Throws `LocalIoError` at once when there is no such directory. */
export function openDirectory(directory: string): Directory {
  const path = realDirectory(directory)
  return {
    path,
    entries: (options) => (detail) =>
      walk(path, {...options, ...detail, isExcluded: ignoreRules(path, options.exclude)}),
  }
}

/** A layout inside the directory would be packed into its own layer, half-written: another one each time. */
export function refuseOwnLayout(reference: Reference, {path}: Directory): void {
  if (reference.kind !== 'layout' || !existsSync(reference.directory)) return
  const layout = realpathSync(reference.directory)
  if (layout !== path && !layout.startsWith(`${path}/`)) return
  throw new UsageError(
    'ERR_INJECT_LAYOUT_IN_DIRECTORY',
    `the layout ${quoted(reference.directory)} lies inside the directory to be packed`,
    {
      hint: 'keep them apart',
    },
  )
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
