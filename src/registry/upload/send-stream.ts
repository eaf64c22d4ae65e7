import type {OpenUpload} from './open-upload.js'
import {RefusedError} from '../net/transport-error.js'
import {ChunkRefusedError} from './session-requests.js'
import type {SendContext} from './send-upload.js'
import {shrinkChunks} from './strategy.js'

/** What came of an attempt: the registry has all of it; send what it lacks in another way; this registry takes no PATCH that would do. */
export type Sent = 'all' | 'otherwise' | 'impossible'

/** Sends all in one PATCH without a range, from the first byte. Throws what `UploadSessions.append` throws, but 413. */
export async function sendStream(
  upload: OpenUpload,
  {sessions, strategy, replay, size, signal}: SendContext,
): Promise<Sent> {
  async function* noted(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of replay.stream(0)) {
      yield chunk
      upload.note()
    }
  }
  try {
    const session = await upload.begin()
    const answer = await sessions.append(session, {length: size, open: noted}, {signal})
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

/** What registries answer to a request of a kind that they do not know. */
export function isUnknownWay(error: unknown): error is RefusedError {
  return error instanceof RefusedError && [400, 405, 415, 501].includes(error.status)
}
