import {readdirSync, realpathSync, statSync} from 'node:fs'
import {localIoError} from '../../disk/local-io-error.js'
import {LocalIoError} from '../../errors.js'
import {type Output, refuseOutputsInside} from './outputs.js'
import type {ByteString} from '../../layer/byte-string.js'
import {ignoreRules} from '../../layer/tree/ignore-rules.js'
import {defaultSlotName} from '../../oci/annotation.js'
import type {ModeRule} from '../../layer/tree/mode-rule.js'
import {type FolderAt, folderAt} from '../../layer/tree/folder-at.js'
import {treeEntries} from '../../layer/tree/walk-tree.js'
import type {Entries} from '../../layer/tree/walked-entry.js'

/** Which entries of a directory are packed, and with which owner and mode. */
export interface PackRules {
  /** gitignore patterns, applied after those of the directory's `.injectignore`. */
  readonly exclude: readonly string[]
  /** Names that start with `.wh.` delete files of the image: refused unless set. */
  readonly whiteouts?: boolean | undefined
  /** The owner of every entry, instead of the file's own. */
  readonly owner?: {readonly uid: number; readonly gid: number} | undefined
  /** Changes the modes of all but symbolic links. */
  readonly chmod?: ModeRule | undefined
  /** Allow an empty directory to replace the content of a slot. */
  readonly allowEmpty?: boolean | undefined
}

/** How a directory is packed into an image. */
export interface Placement {
  /** Where in the image it goes. */
  readonly path: string
  /** Seconds since the epoch: no mtime is later. */
  readonly created?: number | undefined
  /** Called for each entry that is left out. */
  readonly onWarning: (message: string) => void
}

/** A local directory, which can be walked several times. */
export interface Directory {
  /** As the user named it, for messages. */
  readonly name: string
  /** The path with every symlink resolved. */
  readonly path: string
  readonly rules: PackRules
  entries(placement: Placement): Entries
  /**
   * The names of its folders that would be in the image's root, except that of the default slot.
   * Empty if the content has a place of its own in the image.
   */
  namesInRoot(placement: Pick<Placement, 'path'>): readonly ByteString[]
  /** The entry of one folder of a content without a place of its own in the image. */
  readonly folderAt: FolderAt
}

/**
 * Opens a directory. A symlink to a directory is followed, as `tar -C` does. Throws `LocalIoError`
 * at once when the directory does not exist, and `UsageError` when one of the outputs of the run is
 * inside it.
 */
export function openDirectory(
  name: string,
  {exclude, whiteouts, owner, chmod, allowEmpty}: PackRules,
  outputs: readonly Output[],
): Directory {
  const path = realDirectory(name)
  refuseOutputsInside(path, outputs)
  let rules: {readonly isExcluded: ReturnType<typeof ignoreRules>} | undefined
  const look: FolderAt = (at) => {
    rules ??= {isExcluded: ignoreRules(path, exclude)}
    return folderAt(path, {owner, chmod, ...rules})(at)
  }
  return {
    name,
    path,
    rules: {exclude, whiteouts, owner, chmod, allowEmpty},
    folderAt: look,
    entries: ({path: place, created: clampMtime, onWarning}) =>
      treeEntries({
        tree: {directory: path, path: place, exclude, whiteouts, owner, chmod, clampMtime},
        onWarning,
      }),
    namesInRoot(placement) {
      if (placement.path !== '/') return []
      const isExcluded = ignoreRules(path, exclude)
      return namesIn(path).filter((name) => name !== defaultSlotName && !isExcluded?.(`${name}/`))
    },
  }
}

/** Lists folders only. If the directory cannot be read, packing it reports the error. */
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
      {hint: 'name a directory: what is in it becomes the content of the slot'},
    )
  return path
}
