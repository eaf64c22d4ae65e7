import {fstatSync} from 'node:fs'
import {localIoError} from '../../disk/local-io-error.js'
import {type ByteString, display, readable} from '../byte-string.js'
import {makeChange} from './make-change.js'
import type {OpenFolder} from './open-folder.js'
import {openStaging} from './staging-folder.js'
import {readChange, type TreeChange} from './tree-change.js'

/** A directory, which is not there now. */
interface MissingDirectory {
  /** For messages. */
  readonly path: ByteString
  readonly parent: OpenFolder
  readonly name: ByteString
}

/**
 * Makes the rest of the change that a killed run was making, from its work folder, which must be
 * this user's: nobody else can write to it. Returns whether there was one. Throws `LocalIoError`.
 */
export function finishChange(
  {path, parent, name}: MissingDirectory,
  workName: ByteString,
  onWarning: (message: string) => void,
): boolean {
  const work = openStaging({folder: parent, name: workName})
  try {
    const change = readChange(work)
    const tree = change && asideOf(parent, change)
    if (!tree) return false
    try {
      for (const step of makeChange(change, {tree, work, onWarning})) void step
      parent.rename(change.aside, parent, name)
    } finally {
      tree.close()
    }
  } catch (error) {
    throw localIoError(error, 'complete', readable(path))
  } finally {
    work.close()
  }
  onWarning(`${display(path)} is complete again: a run that was killed had been changing it`)
  return true
}

/** The directory that is changed; `undefined` if it is not there. */
function asideOf(parent: OpenFolder, {aside, identity}: TreeChange): OpenFolder | undefined {
  if (aside.includes('/') || parent.find(aside)?.isDirectory() !== true) return undefined
  const tree = parent.open(aside)
  if (identityOf(tree) === identity) return tree
  tree.close()
  return undefined
}

/** Tells a directory apart from all others. */
export function identityOf({descriptor}: OpenFolder): string {
  const {dev, ino} = fstatSync(descriptor, {bigint: true})
  return `${dev}:${ino}`
}
