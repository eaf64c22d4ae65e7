import type {Digest} from '../../oci/digest.js'
import type {CallOptions} from '../../store/content-store.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import {type Connection, headersOnly} from '../api/connection.js'
import type {HttpResponse, OutgoingBody} from '../net/http.js'
import {checkClaimedDigest, claimedDigest} from '../api/response-digest.js'
import {refusal} from '../net/status-error.js'
import {type RefusedError, TransportError} from '../net/transport-error.js'
import {commitUrl, resolveLocation} from './location.js'

const cancelTimeout = 2000
const binary = {'content-type': 'application/octet-stream'}

/** An upload session that the registry has opened. */
export interface PushSession {
  /** Where the next request goes. */
  readonly location: URL
  /**
   * The smallest chunk that the registry accepts, except for the last one; 0 when it does not say.
   */
  readonly minChunk: number
}

export interface Appended {
  readonly session: PushSession
  /** How many bytes the registry has now; `undefined` when it does not say. */
  readonly offset: number | undefined
}

/** How a chunk is sent. */
export interface AppendOptions extends CallOptions {
  /** The offsets of the body's first and last byte in the blob; absent: the body is appended. */
  readonly range?: {readonly first: number; readonly last: number}
  /** Close the connection after this request. */
  readonly last?: boolean
}

/**
 * The registry refused a chunk with 413 or 416: it is too large, or at the wrong offset. Stays
 * inside src/registry.
 */
export class ChunkRefusedError extends Error {
  override readonly name = 'ChunkRefusedError'
  /** How many bytes the registry has, if it says so. */
  readonly offset: number | undefined
  readonly refusal: RefusedError

  constructor(refusal: RefusedError, offset: number | undefined) {
    super(refusal.message)
    this.refusal = refusal
    this.offset = offset
  }
}

/**
 * The requests of an upload. `append`, `commit` and `mount` try once and throw as `Connection.once`
 * does (`append` also `ChunkRefusedError`); `start` and `status` retry as often as is sensible.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs
 */
export interface PushSessions {
  start(signal: AbortSignal | undefined): Promise<PushSession>
  /**
   * Asks once to mount the blob from another repository. `undefined`: the blob is here now; else a
   * session, as from `start`. Throws when it is refused.
   * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#mounting-a-blob-from-another-repository
   */
  mount(
    digest: Digest,
    from: string,
    signal: AbortSignal | undefined,
  ): Promise<PushSession | undefined>
  append(session: PushSession, body: OutgoingBody, options: AppendOptions): Promise<Appended>
  /** The state of the session; `undefined` when it is gone, or the registry cannot tell. */
  status(
    session: PushSession,
    signal: AbortSignal | undefined,
  ): Promise<(Appended & {readonly offset: number}) | undefined>
  /**
   * Commits what was sent, or sends it (`body`) and commits it. `stored` is false if the answer
   * does not confirm that the registry has it now.
   */
  commit(
    session: PushSession,
    blob: BlobInfo,
    call: CallOptions,
    body?: OutgoingBody,
  ): Promise<{readonly stored: boolean}>
  /** Best effort, even after an abort. */
  cancel(session: PushSession): Promise<void>
}

export function createPushSessions(
  connection: Connection,
  onNotice: (text: string) => void = () => undefined,
): PushSessions {
  let said = false
  const follow = (response: HttpResponse, session?: PushSession): PushSession => {
    const location = session ? response.headers.location : (response.headers.location ?? '')
    const min = response.headers['oci-chunk-min-length']
    const minChunk =
      typeof min === 'string' && /^\d{1,12}$/.test(min) ? Number(min) : (session?.minChunk ?? 0)
    if (session && !location) return {...session, minChunk}
    const onDowngrade = (): void => {
      if (said) return
      said = true
      onNotice(
        `${connection.registry.host} names itself with http in the Location of an upload: https is kept`,
      )
    }
    return {location: resolveLocation(location, response.url, onDowngrade), minChunk}
  }

  return {
    async start(signal) {
      const url = connection.url('blobs/uploads/')
      const response = await connection.call(
        {method: 'POST', url, access: 'push', accept: [202], signal},
        headersOnly,
      )
      return follow(response)
    },

    async mount(digest, from, signal) {
      const url = connection.url('blobs/uploads/')
      url.searchParams.set('mount', digest)
      url.searchParams.set('from', from)
      const response = await connection.once(
        {method: 'POST', url, access: {mountFrom: from}, accept: [201, 202], signal},
        headersOnly,
      )
      // an answer with a session did not mount anything, whatever its status
      const isBegun = /\/blobs\/uploads\//.test(response.headers.location ?? '')
      if (response.status === 202 || isBegun) return follow(response)
      checkClaimedDigest(response, digest, `mounted blob ${digest}`)
      return undefined
    },

    append(session, body, {signal, range, last = false}) {
      const headers = {
        ...binary,
        ...(range && {'content-range': `${range.first}-${range.last}`}),
        ...(last && {connection: 'close'}),
      }
      const url = session.location
      const call = {method: 'PATCH', url, access: 'push', headers, body, signal} as const
      return connection.once({...call, accept: [201, 202, 204, 413, 416]}, async (response) => {
        if (response.status >= 400) {
          throw new ChunkRefusedError(await refusal(call, response), offsetIn(response))
        }
        await headersOnly(response)
        return {session: follow(response, session), offset: offsetIn(response)}
      })
    },

    async status(session, signal) {
      const response = await connection.call(
        {
          method: 'GET',
          url: session.location,
          access: 'push',
          accept: [200, 204, 400, 403, 404, 405, 410, 416, 500, 501],
          signal,
        },
        headersOnly,
      )
      const offset = offsetIn(response)
      if (response.status >= 300 || offset === undefined) return undefined
      return {session: follow(response, session), offset}
    },

    async commit({location}, blob, {signal}, body) {
      const response = await connection.once(
        {
          method: 'PUT',
          url: commitUrl(location, blob.digest),
          access: 'push',
          accept: [200, 201, 202, 204],
          headers: binary,
          patience: 'commit',
          signal,
          ...(body && {body}),
        },
        headersOnly,
      )
      checkClaimedDigest(response, blob.digest, `uploaded blob ${blob.digest}`)
      return {stored: isStored(response, blob.digest)}
    },

    async cancel({location}) {
      const signal = AbortSignal.timeout(cancelTimeout)
      const call = {method: 'DELETE', url: location, access: 'push', afterAbort: true} as const
      try {
        await connection.withRetries(
          async () => {
            const accept = [200, 202, 204, 409]
            const {status} = await connection.once({...call, accept, signal}, headersOnly)
            // it is still working on a request that was broken off
            if (status === 409) throw new TransportError('ERR_UPLOAD_BUSY', 'the upload is busy')
          },
          {signal, attempts: 4},
        )
      } catch {
        // the registry removes abandoned sessions itself; the failure that led here is the one to
        // report
      }
    },
  }
}

/**
 * How many bytes a `Range` reports: the offset of the last one, plus one. Registries report an
 * empty session as `0-0`, because the form cannot express it, or as `0--1`.
 */
function offsetIn({headers}: HttpResponse): number | undefined {
  const found = /^(?:bytes[ =])?\d{1,15}-(-1|\d{1,15})$/.exec(headers.range?.trim() ?? '')
  if (!found) return undefined
  const last = Number(found[1])
  return last <= 0 ? 0 : last + 1
}

/**
 * 202 means "in progress", and 200 means nothing; a claimed digest in another algorithm may mean
 * that the registry does not know the blob under this one.
 */
function isStored(response: HttpResponse, digest: Digest): boolean {
  const created = response.status === 201 || response.status === 204
  return created && (claimedDigest(response) ?? digest) === digest
}
