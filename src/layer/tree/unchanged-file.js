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
  return (
    a.ctimeNs === b.ctimeNs &&
    a.mtimeNs === b.mtimeNs &&
    a.size === b.size &&
    a.ino === b.ino &&
    a.dev === b.dev
  )
}

/**
 * Whether a file's content is what it was: the same, or another name was given to it meanwhile or
 * taken from it, which moves the time of its metadata and is not what a layer records.
 *
 * @param {FileState} now
 * @param {FileState} then
 */
export function isSameContent(now, {ctimeNs, mtimeNs, size, ino, dev, nlink}) {
  return isSame(now, {
    ctimeNs: now.nlink === nlink ? ctimeNs : now.ctimeNs,
    mtimeNs,
    size,
    ino,
    dev,
  })
}
