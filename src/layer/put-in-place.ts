import {chmodSync, fchmodSync, lstatSync, readdirSync, renameSync, rmdirSync} from 'node:fs'
import {errnoOf, localIoError} from '../disk/local-io-error.js'
import {ownedName} from '../disk/owned-name.js'
import {LocalIoError} from '../errors.js'
import {type ByteString, display, readable, toPath} from './byte-string.js'
import {removeDeep} from './remove-deep.js'
import type {TreeRoot} from './tree-root.js'
import {contentOf, insidePrefix, type UnpackTarget} from './unpack-target.js'

export interface PutOptions {
  readonly force: boolean
  readonly onWarning: (message: string) => void
}

/**
 * Makes the folder `staging`, which lies beside the target's directory, that directory. At every instant the directory has the content before or
 * all of the new one, or is aside where the next run finds it. `false` when the system does not let directories be renamed there.
 */
export async function swap(
  staging: ByteString,
  target: UnpackTarget,
  {force, onWarning}: PutOptions,
): Promise<boolean> {
  const first = tryRename(staging, target.path)
  if (first !== 'occupied') return first === 'done'
  if (!force) throw filledMeanwhile(target)
  const aside = `${target.parent}/${ownedName(target.oldPrefix)}`
  if (tryRename(target.path, aside) !== 'done') return false
  let second: Outcome | undefined
  try {
    second = tryRename(staging, target.path)
  } finally {
    if (second !== 'done') await bringBack(aside, target)
  }
  if (second === 'occupied') throw filledMeanwhile(target)
  if (second === 'refused') return false
  await removeDeep(aside).catch((error: unknown) => {
    onWarning(
      `the content before could not be removed: ${localIoError(error, 'remove', readable(aside)).message}`,
    )
  })
  return true
}

/**
 * Replaces the content of the target's directory, name by name, with that of the folder `staging` in it, which goes. Not atomic: where
 * this is needed, nothing could be.
 */
export async function refill(
  staging: ByteString,
  target: UnpackTarget,
  {force}: Pick<PutOptions, 'force'>,
): Promise<void> {
  const own = staging.slice(staging.lastIndexOf('/') + 1)
  try {
    const before = contentOf(target.path, own)
    if (before.length > 0 && !force) throw filledMeanwhile(target)
    for (const name of before) await removeDeep(`${target.path}/${name}`)
    for (const name of readdirSync(toPath(staging), {encoding: 'latin1'})) {
      move(`${staging}/${name}`, `${target.path}/${name}`)
    }
    rmdirSync(toPath(staging))
  } catch (error) {
    throw localIoError(error, 'fill', readable(target.path))
  }
}

async function bringBack(aside: ByteString, target: UnpackTarget): Promise<void> {
  const back = tryRename(aside, target.path)
  // somebody else's new content is there: with ours or without, the one before has been replaced
  if (back === 'occupied') await removeDeep(aside)
  if (back !== 'refused') return
  throw new LocalIoError(
    'ERR_INJECT_LOCAL_IO',
    `${display(target.path)} was moved aside and could not be moved back`,
    {hint: `it is complete, in ${display(aside)}`},
  )
}

/** Brings a folder, open as `tree`, from beside the target's directory into it. Throws `LocalIoError`. */
export function moveInside(staging: ByteString, target: UnpackTarget, tree: TreeRoot): ByteString {
  const inside = `${target.path}/${ownedName(insidePrefix)}`
  try {
    // only who may write in a folder may move it elsewhere
    fchmodSync(tree.descriptor, 0o700)
    renameSync(toPath(staging), toPath(inside))
    return inside
  } catch (error) {
    throw localIoError(error, 'replace', readable(target.path))
  }
}

type Outcome = 'done' | 'occupied' | 'refused'

function tryRename(from: ByteString, to: ByteString): Outcome {
  try {
    renameSync(toPath(from), toPath(to))
    return 'done'
  } catch (error) {
    const errno = errnoOf(error) ?? ''
    if (['ENOTEMPTY', 'EEXIST'].includes(errno)) return 'occupied'
    if (['EBUSY', 'EXDEV', 'EPERM', 'EACCES'].includes(errno)) return 'refused'
    throw localIoError(error, 'replace', readable(to))
  }
}

/** To change where a directory is, one must be allowed to write in it. */
function move(from: ByteString, to: ByteString): void {
  try {
    renameSync(toPath(from), toPath(to))
  } catch (error) {
    if (errnoOf(error) !== 'EACCES') throw error
    const {mode} = lstatSync(toPath(from))
    chmodSync(toPath(from), 0o700)
    renameSync(toPath(from), toPath(to))
    chmodSync(toPath(to), mode & 0o7777)
  }
}

function filledMeanwhile(target: UnpackTarget): LocalIoError {
  return new LocalIoError(
    'ERR_INJECT_DIRECTORY_CHANGED',
    `${display(target.path)} was filled by somebody else meanwhile`,
    {hint: 'look at what is there now; nothing of this run is left'},
  )
}
