import {fchmodSync} from 'node:fs'
import {errnoOf, localIoError} from '../../disk/local-io-error.js'
import {ownedName} from '../../disk/owned-name.js'
import {LocalIoError} from '../../errors.js'
import {type ByteString, display, readable} from '../byte-string.js'
import type {OpenFolder} from './open-folder.js'
import {removeIn} from './remove-deep.js'
import {openStill, type Staging} from './staging-folder.js'
import type {TreeRoot} from './tree-root.js'
import {contentOf, type UnpackTarget} from './target.js'
import {insidePrefix} from '../tree/walk.js'

export interface PutOptions {
  readonly force: boolean
  readonly onWarning: (message: string) => void
}

/**
 * Makes the folder `staging`, which lies beside the target's directory, that directory. At every
 * instant the directory has the content before or all of the new one, or is aside where the next
 * run finds it. `false` when the system does not let directories be renamed there.
 */
export async function swap(
  staging: Staging,
  target: UnpackTarget,
  {force, onWarning}: PutOptions,
): Promise<boolean> {
  const {parent, name} = target
  const first = tryRename(target, staging.name, name)
  if (first !== 'occupied') return first === 'done'
  if (!force) throw filledMeanwhile(display(target.path))
  const aside = ownedName(target.oldPrefix)
  if (tryRename(target, name, aside) !== 'done') return false
  let second: Outcome | undefined
  try {
    second = tryRename(target, staging.name, name)
  } finally {
    if (second !== 'done') await bringBack(aside, target)
  }
  if (second === 'occupied') throw filledMeanwhile(display(target.path))
  if (second === 'refused') return false
  await removeIn(parent, aside).catch((error: unknown) => {
    onWarning(
      `the content before could not be removed: ${localIoError(error, 'remove', readable(beside(target, aside))).message}`,
    )
  })
  return true
}

/**
 * Replaces the content of the target's directory, name by name, with that of the folder `staging`
 * in it, open as `tree`, which goes. Not atomic: where this is needed, nothing could be.
 */
export async function refill(
  staging: Staging,
  tree: TreeRoot,
  target: UnpackTarget,
  {force}: Pick<PutOptions, 'force'>,
): Promise<void> {
  const {folder} = staging
  try {
    const before = contentOf(folder, target.path, staging.name)
    if (before.length > 0 && !force) throw filledMeanwhile(display(target.path))
    for (const name of before) await removeIn(folder, name)
    const from = openStill(tree, staging)
    try {
      for (const name of from.names()) move(from, folder, name)
    } finally {
      from.close()
    }
    folder.removeFolder(staging.name)
  } catch (error) {
    throw localIoError(error, 'fill', readable(target.path))
  }
}

async function bringBack(aside: ByteString, target: UnpackTarget): Promise<void> {
  const back = tryRename(target, aside, target.name)
  // somebody else's new content is there: with ours or without, the one before has been replaced
  if (back === 'occupied') await removeIn(target.parent, aside)
  if (back !== 'refused') return
  throw new LocalIoError(
    'ERR_INJECT_LOCAL_IO',
    `${display(target.path)} was moved aside and could not be moved back`,
    {hint: `it is complete, in ${display(beside(target, aside))}`},
  )
}

/**
 * Brings a folder, open as `tree`, from beside the target's directory into `folder`, which it is.
 * Throws `LocalIoError`.
 */
export function moveInside(
  staging: Staging,
  folder: OpenFolder,
  tree: TreeRoot,
  target: UnpackTarget,
): Staging {
  const name = ownedName(insidePrefix)
  try {
    // only who may write in a folder may move it elsewhere
    fchmodSync(tree.descriptor, 0o700)
    staging.folder.rename(staging.name, folder, name)
    return {folder, name}
  } catch (error) {
    throw localIoError(error, 'replace', readable(target.path))
  }
}

type Outcome = 'done' | 'occupied' | 'refused'

function tryRename({parent, path}: UnpackTarget, from: ByteString, to: ByteString): Outcome {
  try {
    parent.rename(from, parent, to)
    return 'done'
  } catch (error) {
    const errno = errnoOf(error) ?? ''
    if (['ENOTEMPTY', 'EEXIST'].includes(errno)) return 'occupied'
    if (['EBUSY', 'EXDEV', 'EPERM', 'EACCES'].includes(errno)) return 'refused'
    throw localIoError(error, 'replace', readable(path))
  }
}

/** To change where a directory is, one must be allowed to write in it. */
function move(from: OpenFolder, to: OpenFolder, name: ByteString): void {
  try {
    from.rename(name, to, name)
  } catch (error) {
    const found = errnoOf(error) === 'EACCES' ? from.find(name) : undefined
    if (found === undefined) throw error
    const moved = from.open(name)
    try {
      moved.chmod(0o700)
      from.rename(name, to, name)
      moved.chmod(found.mode & 0o7777)
    } finally {
      moved.close()
    }
  }
}

function beside({path}: UnpackTarget, name: ByteString): ByteString {
  return `${path.slice(0, path.lastIndexOf('/') + 1)}${name}`
}

/** `directory` is as a message names it. */
export function filledMeanwhile(directory: string): LocalIoError {
  return new LocalIoError(
    'ERR_INJECT_DIRECTORY_CHANGED',
    `${directory} was filled by somebody else meanwhile`,
    {hint: 'look at what is there now; nothing of this run is left'},
  )
}
