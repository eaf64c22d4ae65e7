import {accessSync, constants} from 'node:fs'
import {PreconditionError} from '../../../errors.js'
import {type ByteString, display, fromText, toPath} from '../../byte-string.js'
import {mountPoints} from '../../mount-points.js'
import type {OpenFolder} from './open-folder.js'

/**
 * Why an existing directory cannot be replaced by renaming another one into its place, one clause;
 * `undefined` when it can, as far as can be seen. A current directory could be, but anyone who
 * stands in it would from then on stand in one that is gone.
 */
export function refillReason(
  path: ByteString,
  folder: OpenFolder,
  parent: OpenFolder,
): string | undefined {
  if (folder.stat().dev !== parent.stat().dev || knownMounts().includes(path)) {
    return 'it is a mount point'
  }
  if (isAtOrAbove(path, fromText(process.cwd()))) return 'it is the current directory'
  try {
    accessSync(toPath(parent.access('.')), constants.W_OK | constants.X_OK)
    return undefined
  } catch {
    return 'the folder that it is in cannot be written'
  }
}

/**
 * Throws `PreconditionError` when something is mounted below `path`: it would be deleted with what
 * is there, and it is not the directory's. Without /proc nothing is known of mounts.
 */
export function refuseMountsBelow(path: ByteString): void {
  const below = knownMounts().find((point) => point.startsWith(`${path}/`))
  if (below !== undefined) throw mountBelow(below)
}

/** Whether something is mounted at `path` or below. Without /proc nothing is known of mounts. */
export function hasMounts(path: ByteString): boolean {
  return knownMounts().some((point) => point === path || point.startsWith(`${path}/`))
}

/** For a place where another file system, or another part of the same one, is mounted. */
export function mountBelow(path: ByteString): PreconditionError {
  return new PreconditionError(
    'ERR_INJECT_MOUNT_BELOW',
    `${display(path)} is a mount point, and what is mounted there must not be deleted`,
    {hint: 'unmount it first'},
  )
}

function knownMounts(): readonly ByteString[] {
  return mountPoints() ?? []
}

function isAtOrAbove(path: ByteString, other: ByteString): boolean {
  return other === path || other.startsWith(`${path}/`)
}
