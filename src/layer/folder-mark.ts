import {fstatSync, lstatSync, readFileSync, rmSync, type Stats, writeFileSync} from 'node:fs'
import {type ByteString, toPath} from './byte-string.js'
import {errnoOf} from '../disk/local-io-error.js'

/** A folder that is held open. */
interface HeldFolder {
  readonly descriptor: number
  /** How the kernel is told of what is in it. */
  access(name: ByteString): ByteString
}

/** What a folder of ours has in it; a reserved name, so no layer brings one. */
export const markName = '.inject-new-0-0-00000000-0000000000000000'

/**
 * Whether users besides this one and root can rename what is in a folder: then a name says nothing
 * about who made what has it, though it belongs to this user.
 */
export function isShared({uid, mode}: Pick<Stats, 'uid' | 'mode'>): boolean {
  const user = process.geteuid?.()
  if (user === undefined) return false
  const isOpen = (mode & 0o022) !== 0 && (mode & 0o1000) === 0
  return isOpen || (uid !== 0 && uid !== user)
}

/** Makes a folder say that it is one of ours. Errors are the system's own. */
export function markFolder(folder: HeldFolder): void {
  writeFileSync(markIn(folder), identityOf(folder), {flag: 'wx', mode: 0o600})
}

/** Errors are the system's own. */
export function unmarkFolder(folder: HeldFolder): void {
  rmSync(markIn(folder), {force: true})
}

/**
 * Whether a folder says that it is one of ours. Nobody else can make a folder of this user say so:
 * the mark is a file of this user's, and names the folder that it was made in.
 */
export function isMarked(folder: HeldFolder): boolean {
  try {
    const [own, mark] = [fstatSync(folder.descriptor), lstatSync(markIn(folder))]
    const user = process.geteuid?.() ?? own.uid
    if (own.uid !== user || mark.uid !== user || !mark.isFile() || mark.size > longest) return false
    return readFileSync(markIn(folder), 'latin1') === identityOf(folder)
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return false
  }
}

/** Tells a directory apart from all others. */
export function identityOf({descriptor}: Pick<HeldFolder, 'descriptor'>): string {
  const {dev, ino} = fstatSync(descriptor, {bigint: true})
  return `${dev}:${ino}`
}

/** Bytes; two numbers of 64 bits need no more. */
const longest = 64

function markIn(folder: HeldFolder): string | Buffer {
  return toPath(folder.access(markName))
}
