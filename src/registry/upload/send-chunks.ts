import type {CallOptions} from '../../store/content-store.js'
import type {OutgoingBody} from '../net/http.js'
import type {UploadContext} from './context.js'
import {type OpenUpload, SessionLostError} from './open-upload.js'
import type {SendUploadOptions} from './send-options.js'
import {type Sent, isUnknownWay, largestChunk, shrinkChunks} from './strategy.js'
import {TransportError} from '../net/transport-error.js'
import {ChunkRefusedError} from './push-session.js'

const maxResyncs = 10

/**
 * Sends the rest in ranged chunks. Trusts the registry, up to a point, when it reports another
 * offset than was sent. Throws what `UploadSessions.append` throws.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks
 */
export async function sendChunks(
  upload: OpenUpload,
  context: UploadContext,
  {replay, signal}: SendUploadOptions,
): Promise<Sent> {
  const {strategy} = context
  for (;;) {
    const session = await upload.begin()
    const wanted = Math.max(strategy.chunkSize, session.minChunk)
    if (wanted > largestChunk) return 'impossible'
    const parts = await replay.read(upload.offset, wanted)
    const size = parts.reduce((sum, part) => sum + part.length, 0)
    if (size === 0) return 'all'
    const sent = await sendChunk(upload, context, {parts, size}, {signal})
    if (sent !== undefined) return sent
  }
}

interface Chunk {
  readonly parts: readonly Uint8Array[]
  readonly size: number
}

/** `undefined`: continue from where the upload is now. */
async function sendChunk(
  upload: OpenUpload,
  {sessions, strategy}: UploadContext,
  {parts, size}: Chunk,
  {signal}: CallOptions,
): Promise<Sent | undefined> {
  const {offset: first, trouble} = upload
  const end = first + size
  try {
    const session = await upload.begin()
    const range = {first, last: end - 1}
    // if a break costs the session, each chunk gets a new connection
    const last = upload.restarts > 0
    const answer = await sessions.append(session, body(parts, size), {signal, range, last})
    if ((answer.offset ?? end) > end)
      throw new SessionLostError('the registry has more than was sent')
    if (answer.offset === undefined || answer.offset === end) {
      trouble.stuck = 0
      upload.advance(answer, end)
      upload.note()
      return undefined
    }
    upload.advance(answer, first)
  } catch (error) {
    if (error instanceof ChunkRefusedError) return refused(error)
    if (!isUnknownWay(error)) throw error
    strategy.ranges = false
    strategy.stream = true
    if (first > 0) throw new SessionLostError(error.message)
    return 'otherwise'
  }
  // it accepted the chunk but reports an offset without it, which is believed once
  if (trouble.stuck++ > 0) return impossible()
  await upload.ask()
  return undefined

  function impossible(): Sent {
    strategy.patch = false
    return 'impossible'
  }

  async function refused({refusal, offset}: ChunkRefusedError): Promise<Sent | undefined> {
    if (refusal.status === 416 && offset !== undefined && offset !== first) {
      if (trouble.stuck > 0) return impossible()
      if (++trouble.resyncs > maxResyncs) throw refusal.failure
      // it may still be storing what came over a connection that broke
      if (trouble.resyncs > 1) throw new TransportError('ERR_UPLOAD_BUSY', refusal.message)
      upload.moveTo(offset)
      return undefined
    }
    if (!shrinkChunks(strategy, size)) {
      if (refusal.status === 413) throw refusal.failure
      return 'impossible'
    }
    await upload.ask()
    return undefined
  }
}

function body(parts: readonly Uint8Array[], size: number): OutgoingBody {
  return {
    length: size,
    // eslint-disable-next-line @typescript-eslint/require-await -- all is in memory
    async *open() {
      yield* parts
    },
  }
}
