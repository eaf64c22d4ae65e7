import {algorithmOf, digestOf, isDigest} from '../../oci/digest.js'
import {quoted} from '../../oci/quoted.js'
import type {TagMove} from '../../store/content-store.js'
import {manifestLimit} from '../../oci/manifest-kind.js'
import {type Answer, emptyAnswer} from '../http/answer.js'
import {refuseAmbiguousConfig} from './config-check.js'
import {conditionOf, etagOf} from '../http/conditions.js'
import type {Exchange, Handler, Service} from '../http/exchange.js'
import {checkManifest} from './manifest-check.js'
import {refuseMissing} from './manifest-parts.js'
import {Refusal} from '../http/refusal.js'
import {isTag} from '../../oci/names/tag.js'

/** More tags than this in one request do not fit into the headers of its answer. */
const mostTags = 64
const smallManifest = 256 * 1024

/**
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests The tag
 * moves under the request's conditions (`If-Match`, `If-None-Match`), which the store checks in the
 * same step: of several movers at once one wins, the others get 412.
 */
export const putManifest: Handler<'manifest'> = async (exchange, service) => {
  const tags = tagsOf(exchange)
  const bytes = await exchange.body.readWhole(manifestLimit)
  const store = (): Promise<Answer> => storeManifest(bytes, tags, exchange, service)
  // decoded, a large one takes several times its size
  return bytes.length > smallManifest ? service.turns.write.run(store) : store()
}

async function storeManifest(
  bytes: Uint8Array,
  tags: readonly string[],
  {route, headers, signal}: Exchange<'manifest'>,
  service: Service,
): Promise<Answer> {
  const {repository: name, reference} = route
  const algorithm = isDigest(reference) ? algorithmOf(reference) : 'sha256'
  const digest = digestOf(bytes, algorithm)
  if (isDigest(reference) && digest !== reference) {
    throw new Refusal(400, 'DIGEST_INVALID', 'the manifest is not what its digest names', {
      detail: {digest: reference, found: digest},
    })
  }
  const manifest = checkManifest(bytes, headers['content-type'])
  const known = await service.root.openRepository(name)
  await refuseMissing(manifest, known ?? nothing, {sparse: service.sparse, signal})
  if (known !== undefined) await refuseAmbiguousConfig(manifest, known, signal)

  const from = await conditionOf(headers, () =>
    Promise.resolve(known?.statManifest(reference, {signal})),
  )
  // not for a manifest that is refused
  const repository = known ?? (await service.root.createRepository(name))
  const moves: TagMove[] = isDigest(reference)
    ? tags.map((tag) => ({tag, from: undefined}))
    : [{tag: reference, from}]
  const options = {tags: moves, signal, algorithm}
  const stored = await repository.putManifest(bytes, manifest.mediaType, options)
  return emptyAnswer(201, {
    location: `/v2/${name}/manifests/${isDigest(reference) ? stored.digest : reference}`,
    'docker-content-digest': stored.digest,
    etag: etagOf(stored.digest),
    ...(manifest.subject && {'oci-subject': manifest.subject}),
    ...(tags.length > 0 && {'oci-tag': tags.join(', ')}),
  })
}

/** A repository that does not exist yet. */
const nothing = {
  statBlob: () => Promise.resolve(undefined),
  getManifest: () => Promise.resolve(undefined),
}

/**
 * The tags that go with a manifest that is pushed by its digest. Throws `Refusal`: 414 for too
 * many, 400 for an invalid one.
 */
function tagsOf({route, query}: Exchange<'manifest'>): string[] {
  const tags = [...new Set(query.getAll('tag'))]
  if (tags.length > mostTags) {
    throw new Refusal(414, 'UNSUPPORTED', `more than ${mostTags} tags in one request`)
  }
  const bad = tags.find((tag) => !isTag(tag))
  if (bad !== undefined) throw new Refusal(400, 'MANIFEST_INVALID', `not a tag: ${quoted(bad)}`)
  if (tags.length > 0 && !isDigest(route.reference)) {
    throw new Refusal(400, 'UNSUPPORTED', 'tag parameters go with a digest, not with a tag')
  }
  return tags
}
