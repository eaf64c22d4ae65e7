import {IntegrityError, NetworkError, NotFoundError} from '../../errors.js'
import type {Digest} from '../../oci/digest.js'
import {blobNotFound} from '../../store/store-errors.js'
import type {BlobReader, ByteStream, CallOptions} from '../../store/content-store.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import type {RangeReader} from '../../store/range-reader.js'
import {readAll} from '../../stream/limit.js'
import {streamOf} from '../../stream/bytes.js'
import {verified} from '../../stream/verify.js'
import {type Connection, headersOnly} from './connection.js'
import {displayRequest} from '../net/endpoint.js'
import type {HttpResponse} from '../net/http.js'
import {checkClaimedDigest} from './response-digest.js'
import {createRangeReader} from './ranges.js'
import {resumed} from './resumed.js'

/** A blob up to this size, such as a config, is verified before any of it is passed on. */
const heldBack = 64 * 1024

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-blobs */
export function createBlobReader(connection: Connection): BlobReader & RangeReader {
  return {
    async statBlob(digest, options = {}) {
      const head = await connection.call(
        {...request('HEAD', connection, digest, options), accept: [200, 401, 403, 404, 405]},
        headersOnly,
      )
      if (head.status === 404) return undefined
      const size = head.status === 200 ? sizeOf(head) : undefined
      if (size === undefined) return statBlobByGet(connection, digest, options)
      checkClaimedDigest(head, digest, `blob ${digest}`)
      return {digest, size}
    },

    async openBlob(blob, options = {}) {
      const {digest} = blob
      try {
        const get = request('GET', connection, digest, options)
        const what = `blob ${digest} of ${connection.name}`
        const open = async (): Promise<ByteStream> =>
          verified(await resumed(connection, get, blob.size), blob, what)
        const stream = await open()
        return blob.size > heldBack ? stream : checkedFirst(stream, open, what)
      } catch (error) {
        throw error instanceof NotFoundError ? blobNotFound(digest, connection.name) : error
      }
    },

    ...createRangeReader(
      (digest, options) => request('GET', connection, digest, options),
      connection,
    ),
  }
}

/**
 * Returns the whole blob, verified. Wrong bytes are fetched once more, because the transfer may
 * have damaged them.
 */
async function* checkedFirst(
  stream: ByteStream,
  open: () => Promise<ByteStream>,
  what: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* streamOf(await readAll(stream, heldBack, what))
    return
  } catch (error) {
    if (!(error instanceof IntegrityError)) throw error
  }
  yield* await open()
}

function request<M extends 'GET' | 'HEAD'>(
  method: M,
  connection: Connection,
  digest: Digest,
  {signal}: CallOptions,
) {
  return {method, url: connection.url(`blobs/${digest}`), access: 'pull', signal} as const
}

/**
 * A GET whose body is not read, for registries that do not answer HEAD correctly; and a refused
 * HEAD has no body with the reason.
 */
export async function statBlobByGet(
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
