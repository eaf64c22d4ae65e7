import {quietly} from '../../disk/error-answers.js'
import {algorithmOf, type Digest, type DigestAlgorithm} from '../../oci/digest.js'
import {quoted} from '../../oci/quoted.js'
import {type Answer, emptyAnswer} from '../http/answer.js'
import type {Exchange, Handler, Service} from '../http/exchange.js'
import {digestIn, single} from '../http/query.js'
import {Refusal} from '../http/refusal.js'
import {isRepositoryName} from '../../oci/names/repository-name.js'
import {blobStored, finishUpload, uploadLocation} from './upload.js'

/**
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs and
 * #mounting-a-blob-from-another-repository
 */
export const startUpload: Handler<'uploads'> = async (exchange, service) => {
  const {route, query, body, signal} = exchange
  const mount = digestIn(query, 'mount')
  const digest = digestIn(query, 'digest')
  const algorithm = algorithmIn(query) ?? (digest && algorithmOf(digest))
  if (mount !== undefined && (await mountBlob(exchange, service, mount)))
    return blobStored(route.repository, mount)

  const options = {signal, ...(algorithm && {algorithm})}
  const session = await service.root.startUpload(route.repository, options)
  if (digest !== undefined) {
    try {
      await session.append(body.open(service.limits.uploadSize), {signal})
      await finishUpload(session, digest)
    } catch (error) {
      // nobody was told its id
      await quietly(session.cancel())
      throw error
    }
    return blobStored(route.repository, digest)
  }
  return accepted(route.repository, session.id, service)
}

function accepted(repository: string, id: string, {limits}: Service): Answer {
  return emptyAnswer(202, {
    location: uploadLocation(repository, id),
    range: '0-0',
    'docker-upload-uuid': id,
    ...(limits.chunkSize > 0 && {'oci-chunk-min-length': limits.chunkSize}),
  })
}

/**
 * `false`: not possible, or not allowed, and the client cannot tell which; it uploads the blob
 * then.
 */
async function mountBlob(
  {route, query, identity, signal}: Exchange<'uploads'>,
  {root, access}: Service,
  digest: Digest,
): Promise<boolean> {
  const from = single(query, 'from')
  if (from === undefined || !isRepositoryName(from) || !access.allows(identity, 'pull', from))
    return false
  const source = await root.openRepository(from)
  if ((await source?.statBlob(digest, {signal})) === undefined) return false
  const repository = await root.createRepository(route.repository)
  return repository.mountBlob(digest, from, {signal})
}

function algorithmIn(query: URLSearchParams): DigestAlgorithm | undefined {
  const algorithm = single(query, 'digest-algorithm')
  if (algorithm === undefined || algorithm === 'sha256' || algorithm === 'sha512') return algorithm
  throw new Refusal(400, 'UNSUPPORTED', `unknown digest algorithm ${quoted(algorithm)}`)
}
