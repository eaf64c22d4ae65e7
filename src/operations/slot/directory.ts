import {readdirSync, realpathSync, statSync} from 'node:fs'
import {localIoError} from '../../disk/local-io-error.js'
import {LocalIoError} from '../../errors.js'
import {type Output, refuseOutputsInside} from './outputs.js'
import type {ByteString} from '../../layer/byte-string.js'
import {ignoreRules} from '../../layer/tree/ignore-rules.js'
import {defaultSlotName} from '../../oci/annotation.js'
import type {ModeRule} from '../../layer/tree/mode-rule.js'
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
  /** Changes the modes of all but symbolic links. */
  readonly chmod?: ModeRule | undefined
  /** Nothing at all may replace what is in a slot. */
  readonly allowEmpty?: boolean | undefined
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
  /**
   * Names of its folders that would be in the image's root, but for that of the slot that is meant
   * where none is named. None where it has a place of its own in the image.
   */
  namesInRoot(placement: Pick<Placement, 'path'>): readonly ByteString[]
}

/**
 * A symlink to a directory is followed, as `tar -C` does. Throws `LocalIoError` at once when there
 * is no such directory, and `UsageError` when one of the outputs of the run lies inside it.
 */
export function openDirectory(
  name: string,
  {exclude, whiteouts, owner, chmod, allowEmpty}: PackRules,
  outputs: readonly Output[],
): Directory {
  const path = realDirectory(name)
  refuseOutputsInside(path, outputs)
  return {
    name,
    path,
    rules: {exclude, whiteouts, owner, chmod, allowEmpty},
    entries: (placement) => (detail) =>
      walk(path, {
        path: placement.path,
        clampMtime: placement.created,
        onWarning: placement.onWarning,
        owner,
        chmod,
        whiteouts,
        isExcluded: ignoreRules(path, exclude),
        detail,
      }),
    namesInRoot(placement) {
      if (placement.path !== '/') return []
      const isExcluded = ignoreRules(path, exclude)
      return namesIn(path).filter((name) => name !== defaultSlotName && !isExcluded?.(`${name}/`))
    },
  }
}

/** Of folders only. Packing a directory that cannot be read says what is wrong with it. */
function namesIn(path: string): ByteString[] {
  try {
    const entries = readdirSync(path, {encoding: 'latin1', withFileTypes: true})
    return entries.filter((entry) => entry.isDirectory()).map(({name}) => name)
  } catch {
    return []
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
