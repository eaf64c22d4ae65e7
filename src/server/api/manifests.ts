import {isDigest} from '../../oci/digest.js'
import {emptyAnswer} from '../http/answer.js'
import {conditionOf, etagOf, matches} from '../http/conditions.js'
import {existing, type Handler, refuseDeletes} from '../http/exchange.js'
import {Refusal} from '../http/refusal.js'
import type {RouteOf} from '../http/route.js'

/**
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests As it
 * was stored, whatever `Accept` says: clients ask for the digest of these bytes.
 */
export const getManifest: Handler<'manifest'> = async (
  {route, headers, isHead, signal},
  service,
) => {
  const repository = await existing(service, route.repository)
  const manifest = await repository.getManifest(route.reference, {signal, shared: true})
  if (manifest === undefined) throw unknownManifest(route)
  const {descriptor, bytes} = manifest
  const {digest, mediaType} = descriptor
  const own = {'content-type': mediaType, 'docker-content-digest': digest, etag: etagOf(digest)}
  if (matches(headers['if-none-match'], digest)) return emptyAnswer(304, own)
  const answer = {status: 200, headers: {...own, 'content-length': bytes.length}}
  return isHead ? answer : {...answer, body: bytes}
}

/**
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#deleting-tags and
 * #deleting-manifests A tag is deleted while it stands where the request's conditions say, else the
 * answer is 412.
 */
export const deleteManifest: Handler<'manifest'> = async ({route, headers, signal}, service) => {
  refuseDeletes(service)
  const {repository: name, reference} = route
  const repository = await existing(service, name)
  const from = await conditionOf(headers, () => repository.statManifest(reference, {signal}))
  const isDeleted =
    from !== 'absent' &&
    (isDigest(reference)
      ? await repository.deleteManifest(reference, {signal})
      : await repository.deleteTag(reference, {signal, ifMatch: from}))
  if (!isDeleted) throw unknownManifest(route)
  return emptyAnswer(202)
}

function unknownManifest({repository, reference}: RouteOf<'manifest'>): Refusal {
  const message = `no manifest ${reference} in ${repository}`
  return new Refusal(404, 'MANIFEST_UNKNOWN', message, {detail: {reference}})
}
