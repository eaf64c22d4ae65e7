import {blobNotFound} from '../../store/store-errors.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import type {ByteRange} from '../../store/repository.js'
import {type Answer, emptyAnswer} from '../http/answer.js'
import {parseByteRanges} from '../http/byte-range.js'
import {etagOf, matches} from '../http/conditions.js'
import {existing, type Handler, refuseDeletes} from '../http/exchange.js'
import {Refusal} from '../http/refusal.js'
import type {RouteOf} from '../http/route.js'
import {multipartRanges} from './multipart-ranges.js'

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
  const ranges = parseByteRanges(isAsked ? headers.range : undefined, blob.size)
  if (ranges === 'unsatisfiable') {
    throw new Refusal(416, 'SIZE_INVALID', `the blob has ${blob.size} bytes`, {
      headers: {'content-range': `bytes */${blob.size}`},
    })
  }
  const reading = (size: number) => {
    return {signal, recycle: true, chunkSize: memory.holdStream(size)}
  }
  if (ranges === 'whole') {
    const answer: Answer = {status: 200, headers: {...own, 'content-length': blob.size}}
    return isHead ? answer : {...answer, body: await repository.openBlob(blob, reading(blob.size))}
  }
  const [range, ...others] = ranges
  if (range !== undefined && others.length === 0) {
    const {first, last} = range
    const size = last - first + 1
    return {
      status: 206,
      headers: {
        ...own,
        'content-length': size,
        'content-range': `bytes ${first}-${last}/${blob.size}`,
      },
      body: isWhole(range, blob)
        ? await repository.openBlob(blob, reading(size))
        : await repository.openBlobRange(blob, range, reading(size)),
    }
  }
  const parts = multipartRanges(blob, ranges, blobType)
  const options = reading(parts.length)
  return {
    status: 206,
    headers: {...own, 'content-type': parts.contentType, 'content-length': parts.length},
    body: parts.open((each) => repository.openBlobRange(blob, each, options)),
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

/** Never sniffed, never a page: a blob is whatever somebody uploaded. */
const blobType = 'application/octet-stream'

function isWhole({first, last}: ByteRange, {size}: BlobInfo): boolean {
  return first === 0 && last === size - 1
}

function headersOf({digest}: BlobInfo): Record<string, string> {
  return {
    'content-type': blobType,
    'docker-content-digest': digest,
    'accept-ranges': 'bytes',
    etag: etagOf(digest),
  }
}

function unknownBlob({repository, digest}: RouteOf<'blob'>): Refusal {
  const {message} = blobNotFound(digest, repository)
  return new Refusal(404, 'BLOB_UNKNOWN', message, {detail: {digest}})
}
