import {UnsafeContentError} from '../errors.js'
import {type ByteString, display} from './byte-string.js'

/** What `ownedName` makes of the prefixes that unpacking uses, in and beside the directory. */
const owned =
  /^\.(?:.+\.)?inject-(?:new|old|work|half)-\d{1,10}-\d{1,20}-[0-9a-f]{8}-[0-9a-f]{16}$/s
/** The folder beside a directory that tells how to complete it. */
const turn = /^\..+\.inject-turn$/s

/**
 * Whether a name (not a path) is one that unpacking gives to folders of its own: another run would
 * wait for what has such a name, remove it, or bring it back. The whole form counts, down to the
 * random part, so that names that only look alike are free.
 */
export function isReservedName(name: ByteString): boolean {
  return name.includes('inject-') && (owned.test(name) || turn.test(name))
}

/** Throws `UnsafeContentError` when any part of an entry's path is a reserved name. */
export function refuseReservedNames(path: ByteString): void {
  if (!path.includes('inject-')) return
  const name = path.split('/').find(isReservedName)
  if (name === undefined) return
  throw new UnsafeContentError(
    'ERR_INJECT_RESERVED_NAME',
    `${display(path)} has a name that inject keeps for its own temporary folders`,
    {hint: 'rename it where the layer was made'},
  )
}
