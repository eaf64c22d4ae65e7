import {NetworkError, NotFoundError} from '../errors.js'
import type {Digest} from '../oci/digest.js'
import {blobNotFound} from '../store/blob-not-found.js'
import type {BlobInfo, BlobReader, CallOptions} from '../store/content-store.js'
import {verified} from '../stream/verify.js'
import {type Connection, headersOnly} from './connection.js'
import {displayRequest} from './endpoint.js'
import type {HttpResponse} from './http.js'
import {checkClaimedDigest} from './response-digest.js'
import {resumed} from './resumed.js'

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-blobs */
export function createBlobReader(connection: Connection): BlobReader {
  return {
    async statBlob(digest, options = {}) {
      const head = await connection.call(
        {...request('HEAD', connection, digest, options), accept: [200, 401, 403, 404, 405]},
        headersOnly,
      )
      if (head.status === 404) return undefined
      const size = head.status === 200 ? sizeOf(head) : undefined
      if (size === undefined) return statByGet(connection, digest, options)
      checkClaimedDigest(head, digest, `blob ${digest}`)
      return {digest, size}
    },

    async openBlob(blob, options = {}) {
      const {digest} = blob
      try {
        const stream = await resumed(
          connection,
          request('GET', connection, digest, options),
          blob.size,
        )
        return verified(stream, blob, `blob ${digest} of ${connection.name}`)
      } catch (error) {
        throw error instanceof NotFoundError ? blobNotFound(digest, connection.name) : error
      }
    },
  }
}

function request<M extends 'GET' | 'HEAD'>(
  method: M,
  connection: Connection,
  digest: Digest,
  {signal}: CallOptions,
) {
  return {method, url: connection.url(`blobs/${digest}`), access: 'pull', signal} as const
}

/** For registries that do not answer HEAD as they should; and a refused one has no body to say why. The body of this one is not read. */
async function statByGet(
  connection: Connection,
  digest: Digest,
  options: CallOptions,
): Promise<BlobInfo | undefined> {
  const get = request('GET', connection, digest, options)
  const response = await connection.call({...get, accept: [200, 404]}, headersOnly)
  if (response.status === 404) return undefined
  const size = sizeOf(response)
  if (size !== undefined) return {digest, size}
  throw new NetworkError(
    'ERR_INJECT_REGISTRY_ANSWER',
    `${displayRequest(get)}: the registry does not say how large the blob is`,
  )
}

function sizeOf({headers}: HttpResponse): number | undefined {
  const text = headers['content-length'] ?? ''
  const size = Number(text)
  return /^\d+$/.test(text) && Number.isSafeInteger(size) ? size : undefined
}
