import {ociIndex} from '../oci/media-type.js'
import type {Referrer} from '../store/repository.js'
import {jsonAnswer} from './answer.js'
import type {Handler} from './exchange.js'
import {digestIn, single} from './query.js'

/**
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers An image index, also of a repository that is not there:
 * a 404 would say that this registry does not know the question.
 */
export const listReferrers: Handler<'referrers'> = async (
  {route, query, signal},
  {root, limits},
) => {
  const {repository: name, digest} = route
  const repository = await root.openRepository(name)
  const all = (await repository?.listReferrers(digest, {signal})) ?? []
  const artifactType = single(query, 'artifactType')
  const last = digestIn(query, 'last')
  const wanted = all.filter(
    (each) =>
      (artifactType === undefined || each.artifactType === artifactType) &&
      (last === undefined || each.digest > last),
  )
  const manifests = firstPage(wanted, limits.referrersSize)
  const end = manifests.at(-1)
  const next = new URLSearchParams({
    ...(artifactType !== undefined && {artifactType}),
    last: end?.digest ?? '',
  })
  return jsonAnswer(
    {schemaVersion: 2, mediaType: ociIndex, manifests},
    {
      headers: {
        'content-type': ociIndex,
        ...(artifactType !== undefined && {'oci-filters-applied': 'artifactType'}),
        ...(manifests.length < wanted.length && {
          link: `</v2/${name}/referrers/${digest}?${next.toString()}>; rel="next"`,
        }),
      },
    },
  )
}

/** As many as fit into `size` bytes, and one in any case. */
function firstPage(referrers: readonly Referrer[], size: number): readonly Referrer[] {
  let left = size - 200
  const end = referrers.findIndex((each, position) => {
    left -= Buffer.byteLength(JSON.stringify(each)) + 1
    return left < 0 && position > 0
  })
  return end < 0 ? referrers : referrers.slice(0, end)
}
