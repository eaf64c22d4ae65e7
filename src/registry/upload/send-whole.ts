import type {BlobSource, CallOptions} from '../../store/content-store.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import {retryableStatuses} from '../net/retry-policy.js'
import {RefusedError, TransportError} from '../net/transport-error.js'
import type {Known} from './blob-presence.js'
import type {UploadContext} from './context.js'
import type {PushSession} from './push-session.js'
import {shrinkChunks, smallestStream, type UploadStrategy} from './strategy.js'

/** The result of sending a blob in one body. */
export type SentWhole =
  | {readonly kind: 'stored'; readonly known: Known}
  /** Smaller parts may succeed; this is why the whole did not. */
  | {readonly kind: 'too large'; readonly error: TransportError | RefusedError}

/**
 * Sends a blob by POST and PUT, which works best with all registries; if the PUT is refused, with a
 * PATCH between them, as old registries need it. `session` is one that has already begun.
 */
export async function sendWhole(
  {connection, sessions, presence, strategy}: UploadContext,
  source: BlobSource,
  blob: BlobInfo,
  {session: begun, ...call}: CallOptions & {readonly session?: PushSession | undefined},
): Promise<SentWhole> {
  const body = {length: blob.size, open: () => source.open(call)}
  let first = begun
  let withPatch = !strategy.singlePut && strategy.patch
  const attempt = async (): Promise<SentWhole> => {
    const session = first ?? (await sessions.start(call.signal))
    first = undefined
    try {
      const {stored} = withPatch
        ? await sessions.commit((await sessions.append(session, body, call)).session, blob, call)
        : await sessions.commit(session, blob, call, body)
      const known = stored ? {...blob, written: true} : await presence.confirmed(blob, call)
      return {kind: 'stored', known}
    } catch (error) {
      await sessions.cancel(session)
      throw error
    }
  }
  const settled = async (): Promise<SentWhole | undefined> => {
    const known = await presence.settled(blob, call)
    return known && {kind: 'stored', known}
  }
  return connection.withRetries(
    async () => {
      try {
        return await attempt()
      } catch (error) {
        if (isTooLarge(error, blob, strategy)) return {kind: 'too large', error}
        if (!(error instanceof RefusedError) || !isRefusedWay(error.status)) throw error
        const before = withPatch
        withPatch = !before
        // a temporary server error is retried; a method that the server does not support is given
        // up at once
        if (before || retryableStatuses.has(error.status)) throw error
        const sent = await attempt()
        strategy.singlePut = false
        return sent
      }
    },
    {signal: call.signal, settled},
  )
}

/** Whether it was too large for a server on the way, or so large that every connection breaks. */
function isTooLarge(
  error: unknown,
  {size}: BlobInfo,
  strategy: UploadStrategy,
): error is TransportError | RefusedError {
  if (!strategy.patch || !strategy.ranges) return false
  if (error instanceof TransportError)
    return size > smallestStream && error.code !== 'ERR_EARLY_ANSWER'
  return error instanceof RefusedError && error.status === 413 && shrinkChunks(strategy, size)
}

/** How registries answer that cannot take a blob in one PUT. */
function isRefusedWay(status: number): boolean {
  return status === 400 || status === 404 || status === 405 || status >= 500
}
