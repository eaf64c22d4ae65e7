import {ConflictError, IntegrityError, NotFoundError} from '../errors.js'
import type {Digest} from '../oci/digest.js'
import type {TagMove} from './content-store.js'
import {quoted} from '../oci/quoted.js'

/** What `openBlob` throws when the store lacks the blob. */
export function blobNotFound(digest: Digest, store: string): NotFoundError {
  return new NotFoundError('ERR_INJECT_BLOB_NOT_FOUND', `${store} has no blob ${digest}`)
}
/**
 * What to throw when two descriptors of one digest differ in size: one of them is wrong, and
 * nothing says which.
 */
export function blobOfTwoSizes(digest: Digest, one: number, other: number): IntegrityError {
  return new IntegrityError(
    'ERR_INJECT_SIZE_MISMATCH',
    `blob ${digest} is said to be of ${one} bytes, and of ${other}`,
    {expected: one, found: other},
  )
}
/**
 * Throws `ConflictError` (`ERR_INJECT_TAG_MOVED`) when a tag that stands at `found` (`undefined`:
 * it does not exist) is not where `move` says.
 */
export function checkTagMove(move: TagMove, found: Digest | undefined, store: string): void {
  if (move.from === undefined) return
  if (move.from === (found ?? 'absent')) return
  throw tagMoved(move, found, store)
}
/** The error for a tag that somebody else has moved, deleted or made meanwhile. */
export function tagMoved(move: TagMove, found: Digest | undefined, store: string): ConflictError {
  const where = `tag ${quoted(move.tag)} of ${store}`
  const expected = move.from ?? 'absent'
  const message =
    found === undefined
      ? `${where} was deleted meanwhile`
      : expected === 'absent'
        ? `${where} was made by somebody else meanwhile: it is ${found}`
        : `${where} was moved meanwhile: expected ${expected}, found ${found}`
  return new ConflictError('ERR_INJECT_TAG_MOVED', message, {
    expected,
    found: found ?? 'absent',
    hint: 'run again to start from what is there now',
  })
}
