import {IntegrityError, UsageError} from '../../errors.js'
import {algorithmOf, type Digest, digestOf, isDigest} from '../../oci/digest.js'
import {servedMediaType} from '../../oci/document-kind.js'
import {manifestMediaTypes} from '../../oci/media-type.js'
import {quoted} from '../../oci/quoted.js'
import {isTag} from '../../oci/names/tag.js'
import type {CallOptions, ManifestStore, StoredManifest} from '../../store/content-store.js'
import {manifestLimit} from '../../oci/manifest-kind.js'
import {readAll} from '../../stream/limit.js'
import {type Connection, headersOnly} from './connection.js'
import {displayRequest} from '../net/endpoint.js'
import type {HttpResponse} from '../net/http.js'
import {notARegistry, refuseEncoding, refusePage} from './resumed.js'
import {checkClaimedDigest, checkClaims, claimedDigest} from './response-digest.js'

export interface ManifestReader extends Pick<ManifestStore, 'getManifest' | 'statManifest'> {
  /**
   * Like `statManifest`, but does not try GET after a HEAD that finds nothing; for manifests that
   * are expected to be absent.
   */
  headManifest(reference: string, options?: CallOptions): Promise<Digest | undefined>
}

const accept = {accept: manifestMediaTypes.join(', ')}

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests */
export function createManifestReader(connection: Connection): ManifestReader {
  const request = <M extends 'GET' | 'HEAD'>(method: M, reference: string, {signal}: CallOptions) =>
    ({
      method,
      url: manifestUrl(connection, reference),
      access: 'pull',
      headers: accept,
      signal,
    }) as const

  const getOnce = async (
    reference: string,
    options: CallOptions,
  ): Promise<StoredManifest | undefined> => {
    const call = request('GET', reference, options)
    const what = `manifest ${quoted(reference)} of ${connection.name}`
    return connection.call({...call, accept: [200, 404]}, async (response) => {
      if (response.status === 404) {
        await response.discard()
        return undefined
      }
      refuseEncoding(call, response)
      const served = mediaTypeOf(call, response)
      const bytes = await readAll(response.body, manifestLimit, what)
      const digest = checkedDigest(bytes, response, reference, what)
      const mediaType = servedMediaType(bytes, served)
      return {descriptor: {mediaType, digest, size: bytes.length}, bytes}
    })
  }

  const getManifest: ManifestReader['getManifest'] = async (reference, options = {}) => {
    try {
      return await getOnce(reference, options)
    } catch (error) {
      // fetch it once more, because the transfer may have damaged it
      if (error instanceof IntegrityError && error.code === 'ERR_INJECT_DIGEST_MISMATCH') {
        return getOnce(reference, options)
      }
      throw error
    }
  }

  const headManifest: ManifestReader['headManifest'] = async (reference, options = {}) => {
    const head = await connection.call(
      {...request('HEAD', reference, options), accept: [200, 401, 403, 404, 405]},
      headersOnly,
    )
    if (head.status === 404) return undefined
    const claimed = head.status === 200 ? claimedDigest(head) : undefined
    // some registries mishandle HEAD; and the answer to a GET contains the error
    if (!claimed) return (await getManifest(reference, options))?.descriptor.digest
    if (isDigest(reference)) checkClaimedDigest(head, reference, `manifest ${reference}`)
    return isDigest(reference) ? reference : claimed
  }

  return {
    getManifest,
    headManifest,
    async statManifest(reference, options = {}) {
      const found = await headManifest(reference, options)
      if (found !== undefined || isDigest(reference)) return found
      // some registries answer HEAD with 404 for an existing tag
      return (await getManifest(reference, options))?.descriptor.digest
    },
  }
}

/**
 * The address of a manifest. Throws `UsageError` for a reference that is neither tag nor digest,
 * because it would name something else there.
 */
export function manifestUrl(connection: Connection, reference: string): URL {
  if (!isDigest(reference) && !isTag(reference)) {
    throw new UsageError(
      'ERR_INJECT_REFERENCE_INVALID',
      `neither a tag nor a digest: ${quoted(reference, 160)}`,
    )
  }
  return connection.url(`manifests/${reference}`)
}

function mediaTypeOf(call: Parameters<typeof displayRequest>[0], response: HttpResponse): string {
  const mediaType = (response.headers['content-type'] ?? '')
    .replace(/;[^]*/, '')
    .trim()
    .toLowerCase()
  refusePage(call, response)
  if (mediaType !== '') return mediaType
  void response.discard()
  throw notARegistry(call, 'has no media type')
}

/**
 * The digest of the bytes: in the algorithm of the reference if that is a digest, else in the
 * registry's algorithm, else in sha256.
 */
function checkedDigest(
  bytes: Uint8Array,
  response: HttpResponse,
  reference: string,
  what: string,
): Digest {
  const claimed = claimedDigest(response)
  const wanted = isDigest(reference) ? reference : claimed
  const digest = digestOf(bytes, wanted && algorithmOf(wanted))
  if (isDigest(reference) && digest !== reference) {
    throw new IntegrityError(
      'ERR_INJECT_DIGEST_MISMATCH',
      `${what} is not what its digest names: expected ${reference}, found ${digest}`,
      {expected: reference, found: digest},
    )
  }
  checkClaims(response, bytes, digest, what)
  return digest
}
