import {blobNotFound} from '../../store/store-errors.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import {type Answer, emptyAnswer} from '../http/answer.js'
import {parseByteRange} from '../http/byte-range.js'
import {etagOf, matches} from '../http/conditions.js'
import {existing, type Handler, refuseDeletes} from '../http/exchange.js'
import {Refusal} from '../http/refusal.js'
import type {RouteOf} from '../http/route.js'

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-blobs */
export const getBlob: Handler<'blob'> = async (exchange, service) => {
  const {route, headers, isHead, signal, memory} = exchange
  const {repository: name, digest} = route
  const repository = await existing(service, name)
  const blob = await repository.statBlob(digest, {signal})
  if (blob === undefined) throw unknownBlob(route)
  const own = headersOf(blob)
  if (matches(headers['if-none-match'], digest)) return emptyAnswer(304, own)

  // a range of other content than the client's is of no use to it
  const ifRange = headers['if-range']
  const isAsked = !isHead && (ifRange === undefined || ifRange === etagOf(digest))
  const range = parseByteRange(isAsked ? headers.range : undefined, blob.size)
  if (range === 'unsatisfiable') {
    throw new Refusal(416, 'SIZE_INVALID', `the blob has ${blob.size} bytes`, {
      headers: {'content-range': `bytes */${blob.size}`},
    })
  }
  const reading = (size: number) => {
    return {signal, recycle: true, chunkSize: memory.holdStream(size)}
  }
  if (range === 'whole') {
    const answer: Answer = {status: 200, headers: {...own, 'content-length': blob.size}}
    return isHead ? answer : {...answer, body: await repository.openBlob(blob, reading(blob.size))}
  }
  const {first, last} = range
  const size = last - first + 1
  const isWhole = first === 0 && last === blob.size - 1
  return {
    status: 206,
    headers: {
      ...own,
      'content-length': size,
      'content-range': `bytes ${first}-${last}/${blob.size}`,
    },
    body: isWhole
      ? await repository.openBlob(blob, reading(size))
      : await repository.openBlobRange(blob, range, reading(size)),
  }
}

/**
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#deleting-blobs Not of a
 * manifest: 405.
 */
export const deleteBlob: Handler<'blob'> = async ({route, signal}, service) => {
  refuseDeletes(service)
  const repository = await existing(service, route.repository)
  // a tag or an index would name what is not there any more
  if ((await repository.statManifest(route.digest, {signal})) !== undefined) {
    throw new Refusal(405, 'UNSUPPORTED', 'this is a manifest, to be deleted as one', {
      headers: {allow: 'GET, HEAD'},
    })
  }
  if (!(await repository.deleteBlob(route.digest, {signal}))) throw unknownBlob(route)
  return emptyAnswer(202)
}

function headersOf({digest}: BlobInfo): Record<string, string> {
  return {
    // never sniffed, never a page: a blob is whatever somebody uploaded
    'content-type': 'application/octet-stream',
    'docker-content-digest': digest,
    'accept-ranges': 'bytes',
    etag: etagOf(digest),
  }
}

function unknownBlob({repository, digest}: RouteOf<'blob'>): Refusal {
  const {message} = blobNotFound(digest, repository)
  return new Refusal(404, 'BLOB_UNKNOWN', message, {detail: {digest}})
}
