import {readdirSync, realpathSync, statSync} from 'node:fs'
import {basename, dirname} from 'node:path'
import {errnoOf, localIoError} from '../../disk/local-io-error.js'
import {LocalIoError} from '../../errors.js'
import {type Output, refuseOutputsInside} from './outputs.js'
import {type ByteString, fromText} from '../../layer/byte-string.js'
import {isReservedName} from '../../layer/reserved-name.js'
import {quoted} from '../../oci/quoted.js'
import {ignoreRules} from '../../layer/tree/ignore-rules.js'
import {defaultSlotName} from '../../oci/annotation.js'
import {folderAt} from '../../layer/tree/folder-at.js'
import {treeEntries} from '../../layer/tree/walk-tree.js'
import {isNamed} from '../../layer/tree/owner.js'
import type {PackRules, Placement, SourceTree} from './source-tree.js'

/** A local directory, which can be walked several times. */
export interface Directory extends SourceTree {
  /** The path with every symlink resolved. */
  readonly path: string
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
  let found: {readonly isExcluded: ReturnType<typeof ignoreRules>} | undefined
  const fixed = owner === undefined || isNamed(owner) ? undefined : owner
  const walked = ({path: place, owner: own = fixed, created, onWarning}: Placement) =>
    treeEntries({
      tree: {
        ...{directory: path, path: place, exclude, whiteouts},
        ...{owner: own, chmod, clampMtime: created},
      },
      onWarning,
    })
  return {
    name,
    path,
    identity: path,
    rules: {exclude, whiteouts, owner, chmod, allowEmpty},
    folderAt:
      (own = fixed) =>
      (at) => {
        found ??= {isExcluded: ignoreRules(path, exclude)}
        return folderAt(path, {owner: own, chmod, ...found})(at)
      },
    entries: walked,
    namesInRoot(placement) {
      if (placement.path !== '/') return []
      const isExcluded = ignoreRules(path, exclude)
      return namesIn(path).filter((name) => name !== defaultSlotName && !isExcluded?.(`${name}/`))
    },
    isEmpty: ({path: place}) =>
      !hasMore(walked({path: place, onWarning: () => undefined})('names'), place === '/' ? 0 : 1),
  }
}

/** Whether there are more than so many; of the others none is looked at. */
function hasMore(entries: Iterable<unknown>, count: number): boolean {
  const iterator = entries[Symbol.iterator]()
  try {
    for (let seen = 0; seen <= count; seen++) if (iterator.next().done === true) return false
    return true
  } finally {
    iterator.return?.()
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
    if (errnoOf(error) === 'ENOENT' && isAside(directory)) throw unfinished(directory)
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

/** Whether an unpack has moved it aside, and still works on it or was killed. */
function isAside(directory: string): boolean {
  const start = `.${basename(directory)}.inject-`
  try {
    const names = readdirSync(dirname(directory))
    return names.some((name) => name.startsWith(start) && isReservedName(fromText(name)))
  } catch {
    return false
  }
}

function unfinished(directory: string): LocalIoError {
  return new LocalIoError(
    'ERR_INJECT_UNPACK_UNFINISHED',
    `${quoted(directory)} is not there: an unpack has moved it aside`,
    {hint: 'wait for it, or if it was killed run inject unpack --force again, which completes it'},
  )
}
