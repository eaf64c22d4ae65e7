// JavaScript, not TypeScript: the thread that reads files uses this file, in the source tree
// as well as in the built one.
import {constants} from 'node:fs'

/** @typedef {import('./file-state.js').FileState} FileState */

/**
 * How a file that was listed is opened. `O_NONBLOCK`: by now it may be a FIFO, and opening that
 * would never return.
 */
export const openFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * Whether nothing about a file or directory was touched between two looks: content, names,
 * attributes or identity.
 *
 * @param {Omit<FileState, 'nlink'>} a
 * @param {Omit<FileState, 'nlink'>} b
 */
export function isSame(a, b) {
  return a.ctimeNs === b.ctimeNs && hasSameContent(a, b)
}

/**
 * Whether a file's content is what it was: the same, or another name was given to it meanwhile or
 * taken from it, which moves the time of its metadata and is not what a layer records.
 *
 * @param {FileState} now
 * @param {FileState} before
 */
export function isSameContent(now, before) {
  return (
    (now.ctimeNs === before.ctimeNs || now.nlink !== before.nlink) && hasSameContent(now, before)
  )
}

/**
 * @param {Pick<FileState, 'mtimeNs' | 'size' | 'ino' | 'dev'>} a
 * @param {Pick<FileState, 'mtimeNs' | 'size' | 'ino' | 'dev'>} b
 */
function hasSameContent(a, b) {
  return a.mtimeNs === b.mtimeNs && a.size === b.size && a.ino === b.ino && a.dev === b.dev
}
