import {realpathSync, statSync} from 'node:fs'
import {localIoError} from '../../disk/local-io-error.js'
import {LocalIoError} from '../../errors.js'
import {type Output, refuseOutputsInside} from './outputs.js'
import {ignoreRules} from '../../layer/tree/ignore-rules.js'
import {walk} from '../../layer/tree/walk.js'
import type {Entries} from '../../layer/tree/walked-entry.js'

/** Which entries of a directory are packed, and as whose. */
export interface PackRules {
  /** gitignore patterns, after those of the directory's `.injectignore`. */
  readonly exclude: readonly string[]
  /** Names that start with `.wh.` delete files of the image: refused unless set. */
  readonly whiteouts?: boolean | undefined
  /** Given to every entry instead of the file's own. */
  readonly owner?: {readonly uid: number; readonly gid: number} | undefined
}

/** What a directory becomes in an image. */
export interface Placement {
  /** Where in the image it belongs. */
  readonly path: string
  /** Seconds since the epoch: no mtime is later. */
  readonly created?: number | undefined
  /** Told of what is left out. */
  readonly onWarning: (message: string) => void
}

/** A local directory, to be walked as often as needed. */
export interface Directory {
  /** As the user named it, for messages. */
  readonly name: string
  /** With every symlink resolved. */
  readonly path: string
  readonly rules: PackRules
  entries(placement: Placement): Entries
}

/**
 * A symlink to a directory is followed, as `tar -C` does. Throws `LocalIoError` at once when there
 * is no such directory, and `UsageError` when one of the outputs of the run lies inside it.
 */
export function openDirectory(
  name: string,
  {exclude, whiteouts, owner}: PackRules,
  outputs: readonly Output[],
): Directory {
  const path = realDirectory(name)
  refuseOutputsInside(path, outputs)
  return {
    name,
    path,
    rules: {exclude, whiteouts, owner},
    entries: (placement) => (detail) =>
      walk(path, {
        path: placement.path,
        clampMtime: placement.created,
        onWarning: placement.onWarning,
        owner,
        whiteouts,
        isExcluded: ignoreRules(path, exclude),
        detail,
      }),
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
