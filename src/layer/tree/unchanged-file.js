// JavaScript, not TypeScript: the thread that reads files uses this file, in the source tree
// as well as in the built one.
import {constants, lstatSync} from 'node:fs'

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
  return a.ctimeNs === b.ctimeNs && isSameFile(a, b)
}

/**
 * Whether a file's content is what it was: the same, or another name was given to it meanwhile or
 * taken from it, which moves the time of its metadata and is not what a layer records.
 *
 * @param {FileState} now
 * @param {FileState} before
 */
export function isSameContent(now, before) {
  return (now.ctimeNs === before.ctimeNs || now.nlink !== before.nlink) && isSameFile(now, before)
}

/**
 * Whether the path still names what was looked at, with the same times and size.
 *
 * @param {string | Uint8Array} path
 * @param {FileState} before
 */
export function isStill(path, before) {
  const options = /** @type {const} */ ({bigint: true, throwIfNoEntry: false})
  const now = lstatSync(/** @type {string | Buffer} */ (path), options)
  return now !== undefined && isSame(now, before)
}

/**
 * The same file with the same content, but for the change time, which a new name changes.
 *
 * @param {Pick<FileState, 'mtimeNs' | 'size' | 'ino' | 'dev'>} a
 * @param {Pick<FileState, 'mtimeNs' | 'size' | 'ino' | 'dev'>} b
 */
export function isSameFile(a, b) {
  return isSameTime(a.mtimeNs, b.mtimeNs) && a.size === b.size && a.ino === b.ino && a.dev === b.dev
}

/**
 * Of times that are kept or sent to a thread 64 bits are left, which end in the year 2262; file
 * systems have later ones.
 *
 * @param {bigint} a
 * @param {bigint} b
 */
function isSameTime(a, b) {
  return a === b || BigInt.asIntN(64, a) === BigInt.asIntN(64, b)
}
