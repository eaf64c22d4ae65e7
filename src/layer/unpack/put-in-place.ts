import {fchmodSync} from 'node:fs'
import {errnoOf, localIoError} from '../../disk/local-io-error.js'
import {ownedName} from '../../disk/owned-name.js'
import {LocalIoError} from '../../errors.js'
import {type ByteString, display, readable} from '../byte-string.js'
import {isShared, markFolder, markName, unmarkFolder} from '../folder-mark.js'
import type {OpenFolder} from './folders/open-folder.js'
import {removeIn} from './folders/remove-deep.js'
import {openStill, type Staging} from './folders/staging-folder.js'
import type {TreeRoot} from './folders/tree-root.js'
import {contentOf, heldName, type UnpackTarget} from './target.js'
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
  const {name} = target
  const first = tryRename(target, staging.name, name)
  if (first !== 'occupied') return first === 'done'
  if (!force) throw filledMeanwhile(display(target.path))
  const aside = makeAside(target)
  try {
    if (tryRename(target, name, aside.name, aside.folder) !== 'done') return false
    let second: Outcome | undefined
    try {
      second = tryRename(target, staging.name, name)
    } finally {
      if (second !== 'done') await bringBack(aside, target)
    }
    if (second === 'occupied') throw filledMeanwhile(display(target.path))
    if (second === 'refused') return false
    await removeIn(aside.folder, aside.name).catch((error: unknown) => {
      const what = localIoError(error, 'remove', readable(beside(target, aside.path)))
      onWarning(`the content before could not be removed: ${what.message}`)
    })
    return true
  } finally {
    await aside.close()
  }
}

/** Where the content before is for a moment. */
interface Aside {
  readonly folder: OpenFolder
  readonly name: ByteString
  /** From the folder that the target is in. */
  readonly path: ByteString
  close(): Promise<void>
}

/** Where others could give something else the name, it is in a folder that is marked. */
function makeAside({parent, oldPrefix, path}: UnpackTarget): Aside {
  const name = ownedName(oldPrefix)
  if (!isShared(parent.stat()))
    return {folder: parent, name, path: name, close: () => Promise.resolve()}
  let folder: OpenFolder | undefined
  try {
    parent.makeFolder(name)
    const opened = (folder = parent.open(name))
    const stat = opened.stat()
    if (opened.names().length > 0) throw filledMeanwhile(display(path))
    markFolder(opened)
    const close = async () => {
      // what could not be brought back or removed stays
      if (opened.find(heldName) === undefined)
        await removeIn(parent, name, stat).catch(() => undefined)
      opened.close()
    }
    return {folder: opened, name: heldName, path: `${name}/${heldName}`, close}
  } catch (error) {
    folder?.close()
    throw localIoError(error, 'replace', readable(path))
  }
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
      for (const name of from.names()) if (name !== markName) move(from, folder, name)
      unmarkFolder(from)
    } finally {
      from.close()
    }
    folder.removeFolder(staging.name)
  } catch (error) {
    throw localIoError(error, 'fill', readable(target.path))
  }
}

async function bringBack({folder, name, path}: Aside, target: UnpackTarget): Promise<void> {
  const back = tryRename({...target, parent: folder}, name, target.name, target.parent)
  // somebody else's new content is there: with ours or without, the one before has been replaced
  if (back === 'occupied') await removeIn(folder, name)
  if (back !== 'refused') return
  throw new LocalIoError(
    'ERR_INJECT_LOCAL_IO',
    `${display(target.path)} was moved aside and could not be moved back`,
    {hint: `it is complete, in ${display(beside(target, path))}`},
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

function tryRename(
  {parent, path}: UnpackTarget,
  from: ByteString,
  to: ByteString,
  into = parent,
): Outcome {
  try {
    parent.rename(from, into, to)
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
