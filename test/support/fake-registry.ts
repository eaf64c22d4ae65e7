import {randomUUID} from 'node:crypto'
import {digestOf} from '../../src/oci/digest.js'
import type {Answer, Handler, SeenRequest} from './fake-server.js'

export interface FakeRegistryOptions {
  /** Asked first; what it gives is answered instead. */
  readonly fault?: (request: SeenRequest) => Answer | undefined | Promise<Answer | undefined>
  /** `If-Match` and `If-None-Match` on manifests are obeyed. */
  readonly conditions?: boolean
}

export interface FakeRegistry {
  readonly handler: Handler
  readonly blobs: Map<string, Buffer>
  /** By digest. */
  readonly manifests: Map<string, {readonly bytes: Buffer; readonly mediaType: string}>
  readonly tags: Map<string, string>
  /** Sessions that were neither finished nor cancelled. */
  readonly uploads: Map<string, Buffer>
}

/**
 * A small registry that does all right, of one repository whatever its name, for faults to be put
 * into.
 */
export function createFakeRegistry({
  fault,
  conditions = false,
}: FakeRegistryOptions = {}): FakeRegistry {
  const blobs: FakeRegistry['blobs'] = new Map()
  const manifests: FakeRegistry['manifests'] = new Map()
  const tags: FakeRegistry['tags'] = new Map()
  const uploads: FakeRegistry['uploads'] = new Map()

  const routes: readonly [RegExp, (request: SeenRequest, name: string) => Answer][] = [
    [/^\/v2\/$/, () => ({body: '{}'})],
    [/\/blobs\/uploads\/([^/]*)$/, upload],
    [/\/blobs\/([^/]+)$/, blob],
    [/\/manifests\/([^/]+)$/, manifest],
    [/\/tags\/list$/, () => ({body: JSON.stringify({name: 'x', tags: [...tags.keys()]})})],
  ]

  return {
    blobs,
    manifests,
    tags,
    uploads,
    async handler(request) {
      const bad = await fault?.(request)
      if (bad) return bad
      for (const [pattern, route] of routes) {
        const found = pattern.exec(request.path)
        if (found) return route(request, found[1] ?? '')
      }
      return registryError(404, 'NAME_UNKNOWN')
    },
  }

  function upload({method, path, query, body}: SeenRequest, id: string): Answer {
    if (method === 'POST') {
      const session = randomUUID()
      uploads.set(session, Buffer.alloc(0))
      return {status: 202, headers: {location: `${path}${session}?_state=a%20b~c`}}
    }
    const before = uploads.get(id)
    if (!before) return registryError(404, 'BLOB_UPLOAD_UNKNOWN')
    if (method === 'GET') {
      const range = `0-${Math.max(0, before.length - 1)}`
      return {status: 204, headers: {location: `${path}?_state=asked`, range}}
    }
    if (method === 'DELETE') {
      uploads.delete(id)
      return {status: 204}
    }
    const bytes = Buffer.concat([before, body])
    if (method === 'PATCH') {
      uploads.set(id, bytes)
      return {status: 202, headers: {location: `${path}?_state=next`}}
    }
    const digest = query.get('digest') ?? ''
    if (digestOf(bytes, digest.startsWith('sha512') ? 'sha512' : 'sha256') !== digest) {
      return registryError(400, 'DIGEST_INVALID')
    }
    uploads.delete(id)
    blobs.set(digest, bytes)
    return {status: 201, headers: {'docker-content-digest': digest}}
  }

  function blob({method, headers}: SeenRequest, digest: string): Answer {
    const bytes = blobs.get(digest)
    if (!bytes) return registryError(404, 'BLOB_UNKNOWN')
    const own = {'docker-content-digest': digest, 'content-type': 'application/octet-stream'}
    const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0)
    const rest = bytes.subarray(from)
    const length = {...own, 'content-length': String(rest.length)}
    if (method === 'HEAD') return {headers: length}
    if (from === 0) return {headers: length, body: bytes}
    const range = `bytes ${from}-${bytes.length - 1}/${bytes.length}`
    return {status: 206, headers: {...length, 'content-range': range}, body: rest}
  }

  function manifest({method, headers, body}: SeenRequest, reference: string): Answer {
    const current = tags.get(reference)
    if (method === 'PUT') {
      const digest = digestOf(body)
      const match = headers['if-match']
      const refused =
        (match !== undefined && match !== `"${current ?? ''}"`) ||
        (headers['if-none-match'] === '*' && current !== undefined)
      if (conditions && refused) return registryError(412, 'DENIED')
      manifests.set(digest, {bytes: body, mediaType: headers['content-type'] ?? ''})
      if (!reference.includes(':')) tags.set(reference, digest)
      return {status: 201, headers: {'docker-content-digest': digest}}
    }
    const digest = reference.includes(':') ? reference : (current ?? '')
    const found = manifests.get(digest)
    if (!found) return registryError(404, 'MANIFEST_UNKNOWN')
    const own = {
      'content-type': found.mediaType,
      'docker-content-digest': digest,
      'content-length': String(found.bytes.length),
    }
    return method === 'HEAD' ? {headers: own} : {headers: own, body: found.bytes}
  }
}

/** An error as the distribution specification has it. */
export function registryError(status: number, code: string, message = code.toLowerCase()): Answer {
  const body = JSON.stringify({errors: [{code, message}]})
  const length = String(Buffer.byteLength(body))
  return {
    status,
    // Node's client keeps no connection over a HEAD without a length
    headers: {'content-type': 'application/json', 'content-length': length},
    body,
  }
}
