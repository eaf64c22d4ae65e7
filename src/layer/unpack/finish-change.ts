import {fstatSync, type Stats} from 'node:fs'
import {errnoOf, localIoError} from '../../disk/local-io-error.js'
import {isDead} from '../../disk/owned-name.js'
import {type ByteString, display, readable} from '../byte-string.js'
import {identityOf} from '../folder-mark.js'
import {makeChange} from './make-change.js'
import type {OpenFolder} from './folders/open-folder.js'
import {openStaging} from './folders/staging-folder.js'
import {readChange, type TreeChange} from './tree-change.js'
import type {TreeRoot} from './folders/tree-root.js'

/** A directory, and what runs that change it keep beside it. */
interface ChangedDirectory {
  /** For messages. */
  readonly path: ByteString
  readonly parent: OpenFolder
  readonly name: ByteString
  /** The work folder of the one run that makes its change. */
  readonly turnName: ByteString
  /** The directory while it is changed. */
  readonly halfPrefix: ByteString
}

/** What became of a change; if it failed, with what the half changed directory is like. */
export type FinishedChange =
  | {readonly state: 'none' | 'done'}
  | {readonly state: 'failed'; readonly error: Error; readonly errno: string; readonly half: Stats}

/**
 * Makes the rest of the change that a killed run was making when it had moved the directory aside,
 * if there is one. Never throws errors of the system, but returns them as `LocalIoError`.
 */
export function finishChange(
  place: ChangedDirectory,
  onWarning: (message: string) => void,
): FinishedChange {
  const {path, parent, name} = place
  const work = openAbandoned(place)
  if (!work) return {state: 'none'}
  let tree: OpenFolder | undefined
  try {
    const change = readChange(work)
    tree = change && asideOf(parent, change)
    if (!change || !tree) return {state: 'none'}
    const half = tree.stat()
    try {
      const steps = makeChange(change, {tree, work, onWarning})
      while (steps.next().done !== true);
      parent.rename(change.aside, parent, name)
    } catch (error) {
      const errno = errnoOf(error)
      if (errno === undefined) throw error
      return {state: 'failed', error: localIoError(error, 'complete', readable(path)), errno, half}
    }
  } finally {
    tree?.close()
    work.close()
  }
  onWarning(`${display(path)} is complete again: a run that was killed had been changing it`)
  return {state: 'done'}
}

/** The work folder that a killed run left where only one can be. */
export function abandonedTurn(place: ChangedDirectory): Stats | undefined {
  const work = openAbandoned(place)
  if (!work) return undefined
  try {
    return fstatSync(work.descriptor)
  } finally {
    work.close()
  }
}

/** Nobody else can write to a folder of ours, so what is in it is from us. */
function openAbandoned({parent, turnName, halfPrefix}: ChangedDirectory): TreeRoot | undefined {
  const stat = parent.find(turnName)
  if (stat?.isDirectory() !== true || stat.uid !== (process.geteuid?.() ?? stat.uid))
    return undefined
  let work: TreeRoot
  try {
    work = openStaging({folder: parent, name: turnName})
  } catch {
    // it is not one of ours, or gone
    return undefined
  }
  const aside = readChange(work)?.aside
  if (aside !== undefined && isDead(aside, halfPrefix, Date.now() - stat.mtimeMs)) return work
  work.close()
  return undefined
}

/** The directory that is changed; `undefined` if it is not there. */
function asideOf(parent: OpenFolder, {aside, identity}: TreeChange): OpenFolder | undefined {
  if (aside.includes('/') || parent.find(aside)?.isDirectory() !== true) return undefined
  return openSame(parent, aside, identity)
}

/** Opens a directory; `undefined` if it is another one. Errors are the system's own. */
export function openSame(
  parent: OpenFolder,
  name: ByteString,
  identity: string,
): OpenFolder | undefined {
  const folder = parent.open(name)
  if (identityOf(folder) === identity) return folder
  folder.close()
  return undefined
}
