import {fstatSync} from 'node:fs'
import {ownedName} from '../../disk/owned-name.js'
import {errnoOf, localIoError} from '../../disk/local-io-error.js'
import {LocalIoError, NetworkError} from '../../errors.js'
import {takeInTurns} from '../../stream/take-turns.js'
import {quoted} from '../../oci/quoted.js'
import {display, readable} from '../byte-string.js'
import {stateAt} from '../recording/columns/walk-columns.js'
import {identityOf} from '../folder-mark.js'
import {openSame} from '../unpack/finish-change.js'
import {makeChange} from '../unpack/make-change.js'
import {refillReason} from '../unpack/folders/mounts.js'
import {filledMeanwhile} from '../unpack/put-in-place.js'
import {prepareTarget, type UnpackTarget} from '../unpack/target.js'
import {writeChange} from '../unpack/tree-change.js'
import {removeIn} from '../unpack/folders/remove-deep.js'
import {hasFetched} from './fetch-layer.js'
import {diffIdsOf, fetchMissing, type FetchMissingOptions} from './fetch-missing.js'
import {bytesOf, type ChangedDirectory, type ChangeOptions, lookAtChange} from './look-at-change.js'
import {mayChange} from './may-change.js'
import {type NextVersion, planChange, type PlannedChange} from './plan-change.js'
import {keptPlaces, type StandingTree} from './standing-tree.js'
import {syncFiles} from './sync-files.js'
import {openWorkFolder, type WorkFolder} from './work-folder.js'

/**
 * Makes a directory the content of layers by fetching those that it does not have, and moving their
 * files to where they belong. It is moved aside for as long as that takes: at every moment the
 * directory is what it was, or missing, or all of what it is to be, and when the process ends
 * meanwhile, the next run completes it. `undefined`, with the directory as it was, if this is
 * not possible: then it can be unpacked as a whole. Throws what `unpackLayers` throws.
 */
export async function changeDirectory(
  options: ChangeOptions,
): Promise<ChangedDirectory | undefined> {
  const {directory, follow = false, signal, timing, onWarning = () => undefined} = options
  const how = {force: true, follow, onWarning, signal, timing}
  const target = await prepareTarget(directory, {...how, keepsWork: true})
  try {
    const {path, parent, folder} = target
    if (!folder || refillReason(path, folder, parent) !== undefined) return undefined
    if (keptPlaces(options.standing, diffIdsOf(options)).size === 0) return undefined
    return await changeWithin(target, {...options, folder, onWarning})
  } finally {
    target.close()
  }
}

async function changeWithin(
  target: UnpackTarget,
  options: FetchMissingOptions,
): Promise<ChangedDirectory | undefined> {
  const work = await openWorkFolder(target)
  try {
    const next = await fetchOrLeave(target, work, options)
    if (!next || !isStanding(target, options.standing)) return undefined
    const root = likeNow(target)
    const version = {...next, standing: options.standing, count: options.layers.length, root}
    const planned = planChange(version)
    if (!planned) return undefined
    const isSame = isNothing(planned)
    if (isSame && next.fetched.size === 0) return unchanged(options, version, planned)
    if (!isSame && !(await make(target, {work, planned, options}))) return undefined
    return await lookAtChange(target, {work, planned, version, options})
  } finally {
    await work.close()
  }
}

/** Keeps what was fetched when the run is stopped or the network fails: the next one uses it. */
async function fetchOrLeave(
  {path}: UnpackTarget,
  work: WorkFolder,
  options: FetchMissingOptions,
): ReturnType<typeof fetchMissing> {
  const {signal, onWarning} = options
  try {
    return await fetchMissing(work, options)
  } catch (error) {
    const isPassing = signal?.aborted === true || error instanceof NetworkError
    if (!isPassing || !hasFetched(work)) throw error
    work.leave()
    onWarning(`layers that were fetched are kept beside ${display(path)} for the next run`)
    throw error
  }
}

/** Whether the directory that is open is the one that was looked at. */
function isStanding({folder}: UnpackTarget, {columns}: StandingTree): boolean {
  if (!folder) return false
  const {dev, ino, ctimeNs} = fstatSync(folder.descriptor, {bigint: true})
  const root = stateAt(columns.states, 0)
  return dev === root.dev && ino === root.ino && ctimeNs === root.ctimeNs
}

function likeNow({folder}: UnpackTarget) {
  const {mode = 0o755, uid = 0, gid = 0} = folder?.stat() ?? {}
  return {mode: mode & 0o7777, uid, gid, mtime: Math.floor(Date.now() / 1000)}
}

function isNothing({change}: PlannedChange): boolean {
  return Object.values(change).every((list) => list.length === 0)
}

function unchanged(
  {layers}: ChangeOptions,
  version: NextVersion,
  {entries, whiteouts}: PlannedChange,
): ChangedDirectory {
  const {columns, isKept} = version.standing
  const walk = isKept ? undefined : columns
  const witnessed = layers.map(() => undefined)
  const counts = {entries, whiteouts, bytes: bytesOf(version), kept: layers.length}
  return {...counts, refilled: undefined, witnessed, walk}
}

/** Parts of one change. */
interface Making {
  readonly work: WorkFolder
  readonly planned: PlannedChange
  readonly options: FetchMissingOptions
}

/** Returns whether it was made; else nothing was done. */
async function make(target: UnpackTarget, {work, planned, options}: Making): Promise<boolean> {
  const {parent, name, path} = target
  const {onWarning, standing, directory, folder, signal} = options
  const aside = ownedName(target.halfPrefix)
  const change = {...planned.change, version: 1 as const, aside, identity: identityOf(folder)}
  try {
    // the list says that they are there
    await syncFiles(
      work.tree,
      change.put.map(([, from]) => from),
      {signal},
    )
    writeChange(work.tree, change)
    if (
      !mayChange(folder, change) ||
      !work.claim() ||
      !isStanding(target, standing) ||
      !moveAside(target, aside)
    )
      return false
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    // unpacking it as a whole tells what is wrong with it
    return false
  }
  work.keep()
  try {
    await takeInTurns(makeChange(change, {tree: folder, work: work.tree, onWarning}))
    parent.rename(aside, parent, name)
  } catch (error) {
    if (parent.find(name) === undefined) throw unfinished(error, path)
    await removeIn(parent, aside)
    work.unkeep()
    throw filledMeanwhile(quoted(directory))
  }
  work.unkeep()
  return true
}

/** Another run may have put another directory in its place. */
function moveAside({parent, name, folder}: UnpackTarget, aside: string): boolean {
  parent.rename(name, parent, aside)
  if (folder && isDirectory(parent, aside, identityOf(folder))) return true
  parent.rename(aside, parent, name)
  return false
}

function isDirectory(parent: UnpackTarget['parent'], name: string, identity: string): boolean {
  try {
    const moved = openSame(parent, name, identity)
    moved?.close()
    return moved !== undefined
  } catch {
    // it may be a file or a link
    return false
  }
}

function unfinished(error: unknown, path: string): LocalIoError {
  const {message} = localIoError(error, 'change', readable(path))
  return new LocalIoError('ERR_INJECT_LOCAL_IO', message, {
    hint: 'run the same again: it completes the change, until then the directory is missing',
  })
}
