import {createHash} from 'node:crypto'
import {fstatSync, type Stats} from 'node:fs'
import {localIoError} from '../../disk/local-io-error.js'
import {ownedName} from '../../disk/owned-name.js'
import {LocalIoError} from '../../errors.js'
import {type ByteString, display, readable} from '../byte-string.js'
import {locateFolder} from './folders/locate-folder.js'
import type {OpenFolder} from './folders/open-folder.js'
import {refuseMountsBelow} from './folders/mounts.js'
import {abandonedTurn, finishChange} from './finish-change.js'
import {isMarked} from '../folder-mark.js'
import {isReservedName} from '../reserved-name.js'
import {insidePrefix} from '../tree/walk.js'
import {
  clearAbandoned,
  type ClearAbandonedOptions,
  clearLeftovers,
  leftovers,
  removeLeftover,
} from './leftovers.js'

/**
 * The directory that is to be filled, and what runs call the things that they keep near it for a
 * while.
 */
export interface UnpackTarget {
  /**
   * For messages, and to compare with mount points: absolute, every symlink resolved. Nothing is
   * done by it.
   */
  readonly path: ByteString
  readonly parent: OpenFolder
  readonly name: ByteString
  /** `undefined` when there is none yet. */
  readonly folder: OpenFolder | undefined
  /** What it was like when the run began, also if only half of it was there. */
  readonly before: Stats | undefined
  /** New content, complete or not, beside the directory. */
  readonly newPrefix: ByteString
  /** The content before, beside the directory. */
  readonly oldPrefix: ByteString
  /** What a change of the directory needs, beside it. */
  readonly workPrefix: ByteString
  /** The same of the one run whose turn it is to make its change. */
  readonly turnName: ByteString
  /** The directory while it is changed. */
  readonly halfPrefix: ByteString
  close(): void
}

/** What a folder that is marked has a directory under that was moved aside. */
export const heldName = 'content'

export interface PrepareOptions extends ClearAbandonedOptions {
  readonly force: boolean
  /** The last name of the path may be a symbolic link. */
  readonly follow: boolean
  /** Leave work folders of runs that were killed. */
  readonly keepsWork?: boolean | undefined
}

/**
 * Finds the directory, which may be missing if its parent is not, and puts right what runs left
 * there that were killed: a directory that one of them had moved aside comes back, everything else
 * of theirs goes. Throws `LocalIoError` for what is not a directory, and for one with content
 * (`ERR_INJECT_DIRECTORY_NOT_EMPTY`), without `force`; with it, `PreconditionError` for one that
 * something is mounted below.
 */
export async function prepareTarget(
  directory: string,
  options: PrepareOptions,
): Promise<UnpackTarget> {
  const {parent, parentPath, name} = locateFolder(directory, options.follow)
  const path = `${parentPath === '/' ? '' : parentPath}/${name}`
  const start = `.${shortened(name)}.inject`
  const prefixes = {
    newPrefix: `${start}-new-`,
    oldPrefix: `${start}-old-`,
    workPrefix: `${start}-work-`,
    halfPrefix: `${start}-half-`,
    turnName: `${start}-turn`,
  }
  const {newPrefix, oldPrefix, workPrefix, halfPrefix} = prefixes
  let folder: OpenFolder | undefined
  let before: Stats | undefined
  const close = (): void => {
    folder?.close()
    parent.close()
  }
  const {force} = options
  try {
    const place = {path, parent, name, ...prefixes}
    const half = parent.find(name) === undefined ? bringBack(place, options) : undefined
    // what comes back may have mounts, too; where there was nothing to come back, nothing has been
    // done yet
    if (force) refuseMountsBelow(path)
    if (parent.find(name) !== undefined) folder = parent.open(name)
    before = folder?.stat() ?? half
    const turn = abandonedTurn(place)
    if (turn) await removeLeftover(parent, place.turnName, turn)
    const known = {half, onWarning: options.onWarning}
    for (const prefix of [newPrefix, oldPrefix, halfPrefix])
      await clearLeftovers(parent, prefix, known)
    if (options.keepsWork !== true) await clearLeftovers(parent, workPrefix, known)
    if (folder !== undefined) {
      await clearLeftovers(folder, insidePrefix, known)
      await clearAbandoned(folder, options)
      if (contentOf(folder, path).length > 0 && !force) throw notEmpty(directory)
    }
  } catch (error) {
    close()
    throw localIoError(error, 'unpack into', directory)
  }
  return {path, parent, name, folder, before, ...prefixes, close}
}

/**
 * Names in the directory, as bytes. Throws `LocalIoError` when another run that still lives is
 * filling it.
 */
export function contentOf(folder: OpenFolder, path: ByteString, own?: ByteString): ByteString[] {
  let names: ByteString[]
  try {
    names = folder.names()
  } catch (error) {
    throw localIoError(error, 'read directory', readable(path))
  }
  const others = names.filter((name) => name !== own)
  // layers cannot bring such names: see reserved-name.ts
  if (others.some((name) => isReservedName(name) && name.startsWith(insidePrefix))) {
    throw new LocalIoError('ERR_INJECT_DIRECTORY_BUSY', `another run is filling ${display(path)}`, {
      hint: `wait for it, or remove the folder ${insidePrefix}… in the directory`,
    })
  }
  return others
}

type Place = Omit<UnpackTarget, 'folder' | 'before' | 'close'>

/**
 * Errors that another try would not have again. After all others, such as missing rights or what
 * others have done to the directory, it would fail each time.
 */
const passing = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EMFILE', 'ENFILE', 'ENOMEM', 'EINTR'])

/** Returns what the directory was like if only half of it is left. */
function bringBack(place: Place, {force, onWarning}: PrepareOptions): Stats | undefined {
  const finished = finishChange(place, onWarning)
  if (finished.state === 'none') restore(place, onWarning)
  if (finished.state !== 'failed') return undefined
  const {error, errno, half} = finished
  if (passing.has(errno)) throw error
  if (!force) {
    const hint = 'use --force to replace it as a whole'
    throw new LocalIoError('ERR_INJECT_LOCAL_IO', error.message, {cause: error, hint})
  }
  onWarning(`${error.message}, so it is replaced as a whole`)
  return half
}

/**
 * Only what is ours comes back: in a folder like /tmp anybody can make something of that name.
 * Where others can rename things, it is in a folder that is marked.
 */
function restore(
  {path, parent, name, oldPrefix}: Place,
  onWarning: (message: string) => void,
): void {
  const found = leftovers(parent, oldPrefix).sort((a, b) => b.changed - a.changed)
  const ours = found.filter(({isOurs}) => isOurs)
  if (ours.length === 0) {
    // root moves other users' directories aside, too
    const [other] = found
    if (other?.isUnsure === false)
      onWarning(`${display(other.name)} is left alone: it is not a directory of this user`)
    return
  }
  try {
    if (!ours.some((each) => bringOut(parent, each.name, name))) return
  } catch (error) {
    throw localIoError(error, 'bring back', readable(path))
  }
  onWarning(`${display(path)} is back, which a run that was killed had moved aside`)
}

/**
 * Brings back what was moved aside, which is `aside` itself, or in it if it is marked; such a
 * folder is removed later. `false` if it is empty: the run was killed before it moved anything into
 * it, or after it had removed that.
 */
function bringOut(parent: OpenFolder, aside: ByteString, name: ByteString): boolean {
  const folder = parent.open(aside)
  try {
    if (!isMarked(folder)) parent.rename(aside, parent, name)
    else if (folder.find(heldName) === undefined) return false
    else folder.rename(heldName, parent, name)
    return true
  } finally {
    folder.close()
  }
}

/**
 * The clock of the file system beside the directory, in nanoseconds since the epoch: what a new
 * folder gets as its time.
 */
export function clockBeside({
  parent,
  newPrefix,
}: Pick<UnpackTarget, 'parent' | 'newPrefix'>): bigint {
  const name = ownedName(newPrefix)
  parent.makeFolder(name)
  const made = parent.open(name)
  try {
    return fstatSync(made.descriptor, {bigint: true}).ctimeNs
  } finally {
    made.close()
    parent.removeFolder(name)
  }
}

/** Leaves room for what comes after it, and stays another one for another name. */
function shortened(name: ByteString): ByteString {
  if (name.length <= 150) return name
  return `${name.slice(0, 100)}~${createHash('sha256').update(name).digest('hex').slice(0, 16)}`
}

function notEmpty(directory: string): LocalIoError {
  return new LocalIoError(
    'ERR_INJECT_DIRECTORY_NOT_EMPTY',
    `${JSON.stringify(directory)} is not empty`,
    {hint: 'use --force to replace what is in it'},
  )
}
