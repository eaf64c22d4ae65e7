import type {Digest} from '../oci/digest.js'
import type {BlobInfo} from '../store/content-store.js'
import {type Connection, headersOnly} from './connection.js'
import type {HttpResponse, RequestBody} from './http.js'
import {checkClaimedDigest, claimedDigest} from './response-digest.js'
import {RefusedError, TransportError} from './transport-error.js'
import {commitUrl, resolveLocation} from './upload-location.js'

const cancelTimeout = 2000
const binary = {'content-type': 'application/octet-stream'}

/** The requests of an upload, each from the location that the one before gave. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs */
export interface UploadSessions {
  /**
   * Runs `work` with the location of a new session, and cancels the session when that fails (best effort). Throws as `Connection.once` does,
   * for the caller's own `withRetries`, but has retried the start itself.
   */
  within<T>(work: (location: URL) => Promise<T>, signal: AbortSignal | undefined): Promise<T>
  /** Sends all bytes in one piece; their digest need not be known. Returns where to commit. */
  append(location: URL, body: RequestBody, signal: AbortSignal | undefined): Promise<URL>
  /** Names what was sent, or sends it (`body`) and names it. `stored` false: the answer does not say that the registry has it now. */
  commit(
    location: URL,
    blob: BlobInfo,
    signal: AbortSignal | undefined,
    body?: RequestBody,
  ): Promise<{readonly stored: boolean}>
}

export function createUploadSessions(connection: Connection): UploadSessions {
  const cancel = async (location: URL): Promise<void> => {
    try {
      await connection.once(
        {
          method: 'DELETE',
          url: location,
          access: 'push',
          accept: [200, 202, 204],
          afterAbort: true,
          signal: AbortSignal.timeout(cancelTimeout),
        },
        headersOnly,
      )
    } catch {
      // the registry clears what nobody finishes; the failure that led here is the one to report
    }
  }

  return {
    async within(work, signal) {
      const url = connection.url('blobs/uploads/')
      const response = await connection.call(
        {method: 'POST', url, access: 'push', accept: [202], signal},
        headersOnly,
      )
      const location = resolveLocation(response.headers.location, response.url)
      try {
        return await work(location)
      } catch (error) {
        await cancel(location)
        throw error
      }
    },

    async append(location, body, signal) {
      const call = {method: 'PATCH', url: location, access: 'push', signal} as const
      const response = await lostAsTransport(
        connection.once({...call, accept: [201, 202, 204], headers: binary, body}, headersOnly),
      )
      const next = response.headers.location
      return next ? resolveLocation(next, response.url) : location
    },

    async commit(location, blob, signal, body) {
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
  }
}

/** 202 is "going on", and 200 says nothing; a claim of the digest in another algorithm may mean that ours is not known there. */
function isStored(response: HttpResponse, digest: Digest): boolean {
  const created = response.status === 201 || response.status === 204
  return created && (claimedDigest(response) ?? digest) === digest
}

/** A session that is gone is no answer to what was sent: it is sent again in a new one. */
async function lostAsTransport<T>(sending: Promise<T>): Promise<T> {
  try {
    return await sending
  } catch (error) {
    if (error instanceof RefusedError && [404, 410, 416].includes(error.status)) {
      throw new TransportError('ERR_UPLOAD_LOST', error.message)
    }
    throw error
  }
}
