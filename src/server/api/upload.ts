import {IntegrityError} from '../../errors.js'
import type {Digest} from '../../oci/digest.js'
import type {ByteStream} from '../../store/content-store.js'
import type {UploadSession} from '../../store/repository.js'
import {type Answer, type AnswerHeaders, emptyAnswer} from '../http/answer.js'
import {parseContentRange} from '../http/byte-range.js'
import {etagOf} from '../http/conditions.js'
import type {Exchange, Handler, Service} from '../http/exchange.js'
import {digestIn} from '../http/query.js'
import {Refusal} from '../http/refusal.js'

/**
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks
 */
export const appendUpload: Handler<'upload'> = async (exchange, service) => {
  const session = await openSession(exchange, service)
  await receive(exchange, service, session)
  return emptyAnswer(202, stateOf(exchange.route.repository, session))
}

/** Takes the last chunk, if there is one, and makes a blob of all. */
export const closeUpload: Handler<'upload'> = async (exchange, service) => {
  const digest = digestIn(exchange.query, 'digest')
  if (digest === undefined)
    throw new Refusal(400, 'DIGEST_INVALID', 'the parameter digest is missing')
  const session = await openSession(exchange, service)
  if (exchange.body.length !== 0) await receive(exchange, service, session, true)
  await finishUpload(session, digest)
  return blobStored(exchange.route.repository, digest)
}

export const statUpload: Handler<'upload'> = async (exchange, service) => {
  const session = await openSession(exchange, service)
  return emptyAnswer(204, stateOf(exchange.route.repository, session))
}

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#cancel-a-blob-upload */
export const cancelUpload: Handler<'upload'> = async (exchange, service) => {
  const session = await openSession(exchange, service)
  await session.cancel()
  return emptyAnswer(204)
}

/** Relative, as clients resolve it: no header of a request decides where an upload goes. */
export function uploadLocation(repository: string, id: string): string {
  return `/v2/${repository}/blobs/uploads/${id}`
}

/**
 * Throws `Refusal` (400 `DIGEST_INVALID`) when the content is another; the session is over then.
 * Goes on when the client has left.
 */
export async function finishUpload(session: UploadSession, digest: Digest): Promise<void> {
  try {
    await session.finish(digest)
  } catch (error) {
    if (!(error instanceof IntegrityError)) throw error
    throw new Refusal(400, 'DIGEST_INVALID', 'the content is not what the digest names', {
      detail: {digest},
      cause: error,
    })
  }
}

export function blobStored(repository: string, digest: Digest): Answer {
  return emptyAnswer(201, {
    location: `/v2/${repository}/blobs/${digest}`,
    'docker-content-digest': digest,
    etag: etagOf(digest),
  })
}

async function openSession(
  {route, signal}: Exchange<'upload'>,
  {root}: Service,
): Promise<UploadSession> {
  const session = await root.resumeUpload(route.repository, route.id, {signal})
  if (session !== undefined) return session
  throw new Refusal(404, 'BLOB_UPLOAD_UNKNOWN', 'no such upload here')
}

/** Appends the body at the place that its `Content-Range` names, if it names one. */
async function receive(
  {route, headers, body, signal}: Exchange<'upload'>,
  {limits}: Service,
  session: UploadSession,
  isLast = false,
): Promise<void> {
  const range = parseContentRange(headers['content-range'])
  if (range === 'invalid') throw new Refusal(400, 'BLOB_UPLOAD_INVALID', 'invalid Content-Range')
  const announced = range && range.last - range.first + 1
  if (announced !== undefined && body.length !== undefined && announced !== body.length) {
    const message = `Content-Range has ${announced} bytes, Content-Length ${body.length}`
    throw new Refusal(400, 'SIZE_INVALID', message)
  }
  if (range && range.first !== session.offset) throw outOfOrder(route.repository, session)
  const content = body.open(Math.max(0, limits.uploadSize - session.offset))
  const stream = announced === undefined ? content : exactly(content, announced)
  try {
    await session.append(stream, {signal, at: range?.first, isLast})
  } catch (error) {
    const {code} = error as {code?: unknown}
    throw code === 'ERR_INJECT_UPLOAD_OUT_OF_ORDER' ? outOfOrder(route.repository, session) : error
  }
}

async function* exactly(
  stream: ByteStream,
  length: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let size = 0
  for await (const chunk of stream) {
    size += chunk.length
    if (size > length) break
    yield chunk
  }
  if (size !== length)
    throw new Refusal(400, 'SIZE_INVALID', 'the body is not as long as Content-Range says')
}

function outOfOrder(repository: string, session: UploadSession): Refusal {
  const message = `the upload goes on at byte ${session.offset}`
  return new Refusal(416, 'BLOB_UPLOAD_INVALID', message, {headers: stateOf(repository, session)})
}

/**
 * Of an empty session the range is `0-0`, too: the form has no other way to say it, and that is
 * what registries do.
 */
function stateOf(repository: string, {id, offset}: UploadSession): AnswerHeaders {
  return {
    location: uploadLocation(repository, id),
    range: `0-${Math.max(0, offset - 1)}`,
    'docker-upload-uuid': id,
  }
}
