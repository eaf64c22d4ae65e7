import {ociIndex} from '../../oci/media-type.js'
import type {Handler} from '../http/exchange.js'
import {digestIn, single} from '../http/query.js'

/**
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers An
 * image index, also of a repository that is not there: a 404 would say that this registry does not
 * know the question.
 */
export const listReferrers: Handler<'referrers'> = async (
  {route, query, signal},
  {root, limits},
) => {
  const {repository: name, digest} = route
  const artifactType = single(query, 'artifactType')
  const after = digestIn(query, 'last')
  const repository = await root.openRepository(name)
  // as bytes at once: annotations may be megabytes, and as many requests as there are connections
  // collect them at a time
  const shown: Buffer[] = []
  let left = limits.referrersSize - 200
  let last: string | undefined
  let isMore = false
  for await (const each of repository?.listReferrers(digest, {after, signal}) ?? []) {
    if (artifactType !== undefined && each.artifactType !== artifactType) continue
    const bytes = Buffer.from(`${shown.length === 0 ? '' : ','}${JSON.stringify(each)}`)
    left -= bytes.length
    // one in any case
    isMore = left < 0 && shown.length > 0
    if (isMore) break
    shown.push(bytes)
    last = each.digest
  }
  const head = `{"schemaVersion":2,"mediaType":"${ociIndex}","manifests":[`
  const body = Buffer.concat([Buffer.from(head), ...shown, Buffer.from(']}')])
  const next = new URLSearchParams({
    ...(artifactType !== undefined && {artifactType}),
    last: last ?? '',
  })
  return {
    status: 200,
    headers: {
      'content-type': ociIndex,
      ...(artifactType !== undefined && {'oci-filters-applied': 'artifactType'}),
      ...(isMore && {link: `</v2/${name}/referrers/${digest}?${next.toString()}>; rel="next"`}),
      'content-length': body.length,
    },
    body,
  }
}
