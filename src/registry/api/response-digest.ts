import {IntegrityError} from '../../errors.js'
import {algorithmOf, type Digest, isDigest} from '../../oci/digest.js'
import type {HttpResponse} from '../net/http.js'

/**
 * What the registry says that the content's digest is; `undefined` when it says nothing or nothing
 * that is a digest. Never more than a claim.
 */
export function claimedDigest({headers}: Pick<HttpResponse, 'headers'>): Digest | undefined {
  const digest = headers['docker-content-digest']
  return isDigest(digest) ? digest : undefined
}

/**
 * Throws `IntegrityError` (`ERR_INJECT_DIGEST_MISMATCH`) when the registry claims another digest
 * than `expected`. A claim in another algorithm, or none, says nothing. Repeated headers must all
 * agree.
 */
export function checkClaimedDigest(
  {headers}: Pick<HttpResponse, 'headers'>,
  expected: Digest,
  what: string,
): void {
  for (const claim of [headers['docker-content-digest'] ?? ''].flat().join(',').split(',')) {
    const found = claim.trim()
    if (!isDigest(found) || found === expected || algorithmOf(found) !== algorithmOf(expected)) {
      continue
    }
    throw new IntegrityError(
      'ERR_INJECT_DIGEST_MISMATCH',
      `${what} is not what its digest names: expected ${expected}, the registry says ${found}`,
      {expected, found},
    )
  }
}
