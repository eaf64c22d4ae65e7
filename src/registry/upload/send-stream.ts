import type {UploadContext} from './context.js'
import type {OpenUpload} from './open-upload.js'
import type {SendUploadOptions} from './send-options.js'
import {ChunkRefusedError} from './push-session.js'
import {isUnknownWay, type Sent, shrinkChunks} from './strategy.js'

/**
 * Sends everything in one PATCH without a range, from the first byte. Throws what
 * `UploadSessions.append` throws, except 413.
 */
export async function sendStream(
  upload: OpenUpload,
  {sessions, strategy}: UploadContext,
  {replay, blob, signal}: SendUploadOptions,
): Promise<Sent> {
  async function* noted(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of replay.stream(0)) {
      yield chunk
      upload.note()
    }
  }
  try {
    const session = await upload.begin()
    const answer = await sessions.append(session, {length: blob?.size, open: noted}, {signal})
    upload.advance(answer, replay.furthest)
    return 'all'
  } catch (error) {
    if (error instanceof ChunkRefusedError) {
      if (error.refusal.status === 416) throw error.refusal
      if (!shrinkChunks(strategy)) throw error.refusal.failure
      await upload.ask()
      return 'otherwise'
    }
    if (!isUnknownWay(error)) throw error
    strategy.patch = false
    return 'impossible'
  }
}
