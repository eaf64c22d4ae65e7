import {IntegrityError} from '../errors.js'
import type {Digest} from '../oci/digest.js'

/** What to throw when two descriptors of one digest differ in size: one of them is wrong, and nothing says which. */
export function blobOfTwoSizes(digest: Digest, one: number, other: number): IntegrityError {
  return new IntegrityError(
    'ERR_INJECT_SIZE_MISMATCH',
    `blob ${digest} is said to be of ${one} bytes, and of ${other}`,
    {expected: one, found: other},
  )
}
