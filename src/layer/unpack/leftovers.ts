import type {Stats} from 'node:fs'
import {isAbandoned} from '../../disk/folder-life.js'
import type {LockTiming} from '../../disk/lock-timing.js'
import {isDead, isOwnedName, ownerState} from '../../disk/owned-name.js'
import {type ByteString, display, toPath} from '../byte-string.js'
import {isMarked, isShared} from '../folder-mark.js'
import {insidePrefix} from '../tree/walk.js'
import {isSameInode, type OpenFolder} from './folders/open-folder.js'
import {removeIn} from './folders/remove-deep.js'

export interface Leftover {
  readonly name: ByteString
  readonly changed: number
  /** A directory of this user's that we made, and no link to one. */
  readonly isOurs: boolean
  /** A directory of this user's, which somebody else could have given this name. */
  readonly isUnsure: boolean
  readonly stat: Stats
}

/** What runs that have ended left in `folder`, by its name: somebody else may have made it up. */
export function leftovers(folder: OpenFolder, prefix: ByteString): Leftover[] {
  let names: ByteString[]
  try {
    names = folder.names()
  } catch {
    return []
  }
  const needsMark = isShared(folder.stat())
  return names.flatMap((name) => {
    if (!name.startsWith(prefix)) return []
    const stat = folder.find(name)
    if (stat === undefined || !isDead(name, prefix, Date.now() - stat.mtimeMs)) return []
    const isOwn = stat.isDirectory() && stat.uid === (process.geteuid?.() ?? stat.uid)
    const isOurs = isOwn && (!needsMark || isMarkedIn(folder, name, stat))
    return [{name, changed: stat.ctimeMs, isOurs, isUnsure: isOwn && !isOurs, stat}]
  })
}

function isMarkedIn(folder: OpenFolder, name: ByteString, known: Stats): boolean {
  let opened: OpenFolder
  try {
    opened = folder.open(name)
  } catch {
    return false
  }
  try {
    return isSameInode(opened.stat(), known) && isMarked(opened)
  } finally {
    opened.close()
  }
}

export interface Clearing {
  /** A directory that this run has found to be half changed, and replaces. */
  readonly half: Stats | undefined
  readonly onWarning: (message: string) => void
}

/** Removes what killed runs left in `folder` under names that begin so, as far as it is ours. */
export async function clearLeftovers(
  folder: OpenFolder,
  prefix: ByteString,
  {half, onWarning}: Clearing,
): Promise<void> {
  for (const {name, isOurs, isUnsure, stat} of leftovers(folder, prefix)) {
    const isHalf = half !== undefined && isSameInode(half, stat)
    if (isOurs || (isUnsure && isHalf)) await removeLeftover(folder, name, stat)
    else if (isUnsure) onWarning(notSure(name))
  }
}

function notSure(name: ByteString): string {
  return `${display(name)} is left alone: other users can rename what is in this folder, and nothing in it says that inject made it; if a run of yours was killed, remove it`
}

/** What cannot be removed is not a reason to fail the work at hand. */
export async function removeLeftover(
  folder: OpenFolder,
  name: ByteString,
  known: Stats,
): Promise<void> {
  await removeIn(folder, name, known).catch(() => undefined)
}

export interface ClearAbandonedOptions {
  readonly onWarning: (message: string) => void
  readonly signal?: AbortSignal | undefined
  /** How runs show that they live. */
  readonly timing?: LockTiming | undefined
}

/**
 * What a run left in the directory that was killed in another container or on another machine: it
 * shows no sign of life.
 */
export async function clearAbandoned(
  folder: OpenFolder,
  {onWarning, signal, timing}: ClearAbandonedOptions,
): Promise<void> {
  for (const name of folder.names()) {
    if (!isOwnedName(name, insidePrefix)) continue
    const stat = folder.find(name)
    if (!stat || stat.uid !== process.geteuid?.()) continue
    if (isShared(folder.stat()) && !isMarkedIn(folder, name, stat)) continue
    if (ownerState(name, insidePrefix) === 'unknown')
      onWarning(
        `looking for up to 45 s whether the run still lives that is filling ${display(name)}`,
      )
    const owner = name.slice(insidePrefix.length)
    if (await isAbandoned(toPath(folder.access(name)), owner, {signal, timing}))
      await removeLeftover(folder, name, stat)
  }
}
