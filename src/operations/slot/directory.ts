import {readdirSync, realpathSync, statSync} from 'node:fs'
import {localIoError} from '../../disk/local-io-error.js'
import {LocalIoError} from '../../errors.js'
import {type Output, refuseOutputsInside} from './outputs.js'
import type {ByteString} from '../../layer/byte-string.js'
import {ignoreRules} from '../../layer/tree/ignore-rules.js'
import {defaultSlotName} from '../../oci/annotation.js'
import {walk, type WalkOptions} from '../../layer/tree/walk.js'
import type {Entries} from '../../layer/tree/walked-entry.js'

export interface DirectoryOptions extends Omit<WalkOptions, 'isExcluded'> {
  /** gitignore patterns, after those of the directory's `.injectignore`. */
  readonly exclude: readonly string[]
}

/** A local directory, to be walked as often as needed. */
export interface Directory {
  /** With every symlink resolved. */
  readonly path: string
  entries(options: DirectoryOptions): Entries
  /**
   * Names in the image's root that it would have something at, but for that of the slot that is
   * meant where none is named. None where it has a place of its own in the image.
   */
  namesInRoot(options: Pick<DirectoryOptions, 'path' | 'exclude'>): readonly ByteString[]
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
      walk(path, {...options, ...detail, isExcluded: ignoreRules(path, options.exclude)}),
    namesInRoot(options) {
      if (options.path !== '/') return []
      const isExcluded = ignoreRules(path, options.exclude)
      return namesIn(path).filter((name) => name !== defaultSlotName && !isExcluded?.(`${name}/`))
    },
  }
}

/** Of folders only. Whoever packs it says what is wrong with one that cannot be read. */
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
