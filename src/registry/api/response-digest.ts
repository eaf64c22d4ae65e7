import {IntegrityError} from '../../errors.js'
import {algorithmOf, type Digest, digestOf, isDigest} from '../../oci/digest.js'
import type {HttpResponse} from '../net/http.js'

/**
 * The digest that the registry claims for the content; `undefined` when there is none or it is
 * invalid. It is only a claim.
 */
export function claimedDigest({headers}: Pick<HttpResponse, 'headers'>): Digest | undefined {
  const digest = headers['docker-content-digest']
  return isDigest(digest) ? digest : undefined
}

/** Every digest that the registry claims; a header may be repeated. */
function claimsIn({headers}: Pick<HttpResponse, 'headers'>): readonly Digest[] {
  const texts = [headers['docker-content-digest'] ?? ''].flat().join(',').split(',')
  return texts.map((text) => text.trim()).filter(isDigest)
}

/**
 * Throws `IntegrityError` (`ERR_INJECT_DIGEST_MISMATCH`) when the registry claims a digest, in any
 * algorithm, that differs from that of these bytes. `digest` is their verified digest.
 */
export function checkClaims(
  response: Pick<HttpResponse, 'headers'>,
  bytes: Uint8Array,
  digest: Digest,
  what: string,
): void {
  checkClaimedDigest(response, digest, what)
  const others = claimsIn(response).map(algorithmOf)
  for (const algorithm of new Set(others)) {
    if (algorithm === algorithmOf(digest)) continue
    checkClaimedDigest(response, digestOf(bytes, algorithm), what)
  }
}

/**
 * Throws `IntegrityError` (`ERR_INJECT_DIGEST_MISMATCH`) when the registry claims another digest
 * than `expected`. A claim in another algorithm is ignored. Repeated headers must all agree.
 */
export function checkClaimedDigest(
  response: Pick<HttpResponse, 'headers'>,
  expected: Digest,
  what: string,
): void {
  for (const found of claimsIn(response)) {
    if (found === expected || algorithmOf(found) !== algorithmOf(expected)) continue
    throw new IntegrityError(
      'ERR_INJECT_DIGEST_MISMATCH',
      `${what} is not what its digest names: expected ${expected}, the registry says ${found}`,
      {expected, found},
    )
  }
}
