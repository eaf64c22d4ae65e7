import type {InjectError} from '../../errors.js'
import type {CallOptions} from '../../store/content-store.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import {RefusedError} from '../net/transport-error.js'
import type {UploadContext} from './context.js'
import type {PushSession} from './push-session.js'

/** The result of committing a session. */
export type Committed =
  | {readonly kind: 'stored'}
  /** The session is gone, or has other bytes than the digest names; a new session may succeed. */
  | {readonly kind: 'lost'; readonly failure: InjectError}

/**
 * Commits the uploaded bytes as a blob, retrying as often as is sensible. Throws only `InjectError`
 * and the signal's reason.
 */
export function commitUpload(
  {connection, sessions, presence}: UploadContext,
  session: PushSession,
  blob: BlobInfo,
  call: CallOptions,
): Promise<Committed> {
  return connection.withRetries<Committed>(
    async () => {
      try {
        const {stored} = await sessions.commit(session, blob, call)
        if (!stored) await presence.confirmed(blob, call)
        return {kind: 'stored'}
      } catch (error) {
        if (error instanceof RefusedError && isLost(error))
          return {kind: 'lost', failure: error.failure}
        throw error
      }
    },
    {
      signal: call.signal,
      settled: async () => ((await presence.settled(blob, call)) ? {kind: 'stored'} : undefined),
    },
  )
}

function isLost({status, failure}: RefusedError): boolean {
  return status === 404 || status === 410 || failure.code === 'ERR_INJECT_REFUSED_DIGEST'
}
