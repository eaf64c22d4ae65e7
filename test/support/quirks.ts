import type {Quirk, QuirkAnswer, QuirkRequest} from './quirk-registry.js'

const MiB = 1024 * 1024

/** An error as the distribution specification has it. */
function refuse(
  status: number,
  code: string,
  message = code.toLowerCase(),
  headers: QuirkAnswer['headers'] = {},
): QuirkAnswer {
  const body = JSON.stringify({errors: [{code, message}]})
  const length = String(Buffer.byteLength(body))
  return {
    status,
    headers: {'content-type': 'application/json', 'content-length': length, ...headers},
    body,
  }
}

const isUpload = ({path}: QuirkRequest): boolean => path.includes('/blobs/uploads/')
const isRanged = ({method, headers}: QuirkRequest): boolean =>
  method === 'PATCH' && headers['content-range'] !== undefined
const isMount = ({method, query}: QuirkRequest): boolean => method === 'POST' && query.has('mount')
const isSinglePut = (request: QuirkRequest): boolean =>
  request.method === 'PUT' && isUpload(request) && request.length !== 0

/** GHCR: the body of a ranged PATCH is at most 4 MiB. */
export const fourMebibyteRanges: Quirk = (request, forward) =>
  isRanged(request) && (request.length ?? 0) > 4 * MiB
    ? refuse(
        416,
        'REQUESTED_RANGE_NOT_SATISFIABLE',
        'the request body is too large and exceeds the maximum permissible limit of 4.00MiB',
      )
    : forward()

/**
 * ECR: a ranged PATCH is answered 201, and after the first one `Range` stands still. `drops`: what
 * comes after it is lost, too.
 */
export function stuckRange(drops: boolean): Quirk {
  const first = new Map<string, string>()
  return async (request, forward) => {
    const known = first.get(request.path)
    if (request.method === 'GET' && known !== undefined) {
      const answer = await forward()
      return {...answer, headers: {...answer.headers, range: known}}
    }
    if (!isRanged(request)) return forward()
    if (known !== undefined && drops)
      return {status: 201, headers: {location: request.path, range: known}}
    const answer = await forward()
    if (answer.status !== 202) return answer
    const range = known ?? String(answer.headers['range'])
    first.set(request.path, range)
    return {...answer, status: 201, headers: {...answer.headers, range}}
  }
}

/** Google's registries: no chunks at all. */
export const noChunks: Quirk = (request, forward) =>
  isRanged(request)
    ? refuse(
        400,
        'UNSUPPORTED',
        'chunked uploads are not supported, use a monolithic upload instead',
      )
    : forward()

/** ACR: `Content-Range` is `a-b` and nothing else. */
export const strictContentRange: Quirk = (request, forward) =>
  isRanged(request) && !/^\d+-\d+$/.test(request.headers['content-range'] ?? '')
    ? refuse(400, 'BLOB_UPLOAD_INVALID')
    : forward()

/** ACR, Debian's docker-registry: a session whose connection broke is gone. */
export function noResume(): Quirk {
  const lost = new Set<string>()
  return async (request, forward) => {
    if (lost.has(request.path) && request.method !== 'DELETE')
      return refuse(404, 'BLOB_UPLOAD_INVALID')
    try {
      return await forward()
    } catch (error) {
      if (request.method === 'PATCH' || request.method === 'PUT') lost.add(request.path)
      throw error
    }
  }
}

/**
 * Quay: a mount that does not say from where fails, and so does the end of an upload that got
 * nothing.
 */
export function quay(): Quirk {
  const filled = new Set<string>()
  return (request, forward) => {
    if (isMount(request) && !request.query.has('from')) return refuse(500, 'UNKNOWN')
    if (!isUpload(request)) return forward()
    if (request.method === 'PATCH') filled.add(request.path)
    const isEmpty = request.method === 'PUT' && request.length === 0 && !filled.has(request.path)
    return isEmpty ? refuse(500, 'UNKNOWN', 'internal error') : forward()
  }
}

/**
 * Harbor, Docker Hub: to mount from where we may not read, or from nowhere, is not allowed (and not
 * "not found").
 */
export const noMount: Quirk = (request, forward) =>
  isMount(request) ? refuse(401, 'UNAUTHORIZED') : forward()

/** A mount fails in the way that `status` says. */
export const mountAnswers =
  (status: number): Quirk =>
  (request, forward) =>
    isMount(request) ? refuse(status, 'UNSUPPORTED') : forward()

/** Harbor's proxy cache: HEAD of a blob says 404, though GET gives it. */
export const blindHead: Quirk = (request, forward) =>
  request.method === 'HEAD' && /\/blobs\/sha/.test(request.path)
    ? {status: 404, headers: {}}
    : forward()

/** Artifactory: what is not there is forbidden. */
export const forbiddenForAbsent: Quirk = async (request, forward) => {
  const answer = await forward()
  if (answer.status !== 404 || !['GET', 'HEAD'].includes(request.method)) return answer
  return request.method === 'HEAD' ? {status: 403, headers: {}} : refuse(403, 'DENIED')
}

/** Artifactory: `Accept` belongs to manifests only. */
export const acceptOnlyForManifests: Quirk = (request, forward) => {
  const accept = request.headers.accept ?? '*/*'
  const isPlain = accept === '*/*' || request.path.includes('/manifests/')
  return isPlain ? forward() : refuse(406, 'UNSUPPORTED')
}

/** Old Artifactory, Nexus: no blob in one PUT. */
export const noSinglePut =
  (status: number): Quirk =>
  (request, forward) =>
    isSinglePut(request) ? refuse(status, 'BLOB_UPLOAD_INVALID') : forward()

/**
 * nginx (`client_max_body_size`), Cloudflare: 413 for a body over so many bytes, also one that does
 * not say its length.
 */
export function largestBody(size: number): Quirk {
  return async (request, forward) => {
    if (!isUpload(request)) return forward()
    const tooLarge = {status: 413, headers: {'content-type': 'text/html'}, body: '<html>413</html>'}
    if (request.headers['transfer-encoding'] !== undefined) return tooLarge
    return (request.length ?? 0) > size ? tooLarge : forward()
  }
}

/** ggcr's registry: PATCH answers 204. */
export const patchAnswers =
  (status: number): Quirk =>
  async (request, forward) => {
    const answer = await forward()
    return request.method === 'PATCH' && answer.status === 202 ? {...answer, status} : answer
  }

/** The `Location` of uploads in the form that `form` gives it. */
export const locations =
  (form: (location: URL) => string): Quirk =>
  async (request, forward) => {
    const answer = await forward()
    const {location} = answer.headers
    if (typeof location !== 'string' || !isUpload(request)) return answer
    const url = new URL(location, request.origin)
    return {...answer, headers: {...answer.headers, location: form(url)}}
  }

/** Behind a proxy that ends TLS: the registry says http. */
export const httpLocation = locations((url) => url.href.replace(/^https:/, 'http:'))
export const relativeLocation = locations((url) => url.pathname + url.search)
export const bareHostLocation = locations((url) => url.host + url.pathname + url.search)

/** The first `times` requests that `which` names are too many. */
export function tooManyRequests(
  times: number,
  which: (request: QuirkRequest) => boolean = () => true,
): Quirk {
  let left = times
  return (request, forward) =>
    which(request) && left-- > 0
      ? refuse(429, 'TOOMANYREQUESTS', 'slow down', {'retry-after': '1'})
      : forward()
}

/**
 * A registry that has its own idea of how small a chunk may be, and enforces it but for the last
 * one.
 */
export function smallestChunk(size: number): Quirk {
  const short = new Set<string>()
  return async (request, forward) => {
    if (request.method === 'PATCH' && short.has(request.path))
      return refuse(416, 'SIZE_INVALID', 'chunk below the minimum')
    if (isRanged(request) && (request.length ?? 0) < size) short.add(request.path)
    const answer = await forward()
    const isStart = request.method === 'POST' && answer.status === 202
    if (!isStart) return answer
    return {...answer, headers: {...answer.headers, 'oci-chunk-min-length': String(size)}}
  }
}

/** No answer to a question about an upload's state, as some have none. */
export const noStatus =
  (status: number): Quirk =>
  (request, forward) =>
    request.method === 'GET' && isUpload(request) ? refuse(status, 'UNSUPPORTED') : forward()

/** A web server, or a proxy of one: manifests are served as some general media type, or none. */
export const generalMediaType =
  (mediaType: string): Quirk =>
  async (request, forward) => {
    const answer = await forward()
    if (!request.path.includes('/manifests/') || answer.status !== 200) return answer
    return {...answer, headers: {...answer.headers, 'content-type': mediaType}}
  }

const isManifest = ({path}: QuirkRequest): boolean => path.includes('/manifests/')

/** Nexus: HEAD of a tag answers 404, though GET gives it. */
export const tagsWithoutHead: Quirk = (request, forward) =>
  request.method === 'HEAD' && isManifest(request) && !request.path.includes('/sha256:')
    ? {status: 404, headers: {}}
    : forward()

/** GHCR, Docker Hub, ECR: the first looks at a tag after its move show what was there before. */
export function staleTags(looks: number): Quirk {
  const before = new Map<string, QuirkAnswer>()
  const left = new Map<string, number>()
  return async (request, forward) => {
    const {method, path} = request
    if (!isManifest(request) || path.includes('/sha256:')) return forward()
    if (method === 'PUT') {
      left.set(path, looks)
      return forward()
    }
    const key = `${method} ${path}`
    const remaining = left.get(path) ?? 0
    const old = before.get(key) ?? before.get(`HEAD ${path}`)
    if (remaining > 0 && old) {
      left.set(path, remaining - 1)
      return old
    }
    const answer = await forward()
    before.set(key, answer)
    return answer
  }
}

/** ECR: a repository is not made by a push. */
export const noRepository: Quirk = (request, forward) =>
  request.method === 'POST' && isUpload(request)
    ? refuse(404, 'NAME_UNKNOWN', "The repository does not exist in the registry with id '1'")
    : forward()

/** ACR: what is locked cannot be written. */
export const locked: Quirk = (request, forward) =>
  request.method === 'PUT' && isManifest(request)
    ? refuse(405, 'UNSUPPORTED', 'The operation is disallowed on this registry or image')
    : forward()

/** Harbor: a project has so much storage and no more. */
export const overQuota: Quirk = (request, forward) =>
  request.method === 'PUT' && isUpload(request)
    ? refuse(
        403,
        'DENIED',
        'adding 1.0 MiB of storage resource will exceed the configured upper limit of 1.0 GiB',
      )
    : forward()

/** Quay: an index must not name manifests of Docker's; its reason stands in the detail. */
export const manifestInvalid: Quirk = (request, forward) => {
  if (request.method !== 'PUT' || !isManifest(request)) return forward()
  const error = {code: 'MANIFEST_INVALID', message: 'manifest invalid', detail: 'schema mismatch'}
  const headers = {'content-type': 'application/json'}
  return {status: 400, headers, body: JSON.stringify({errors: [error]})}
}

/** Blobs are at another registry. */
export const blobsAt =
  (address: string): Quirk =>
  (request, forward) =>
    ['GET', 'HEAD'].includes(request.method) && /\/blobs\/sha/.test(request.path)
      ? {status: 307, headers: {location: `http://${address}${request.path}`}}
      : forward()

/**
 * What the registries of these names do, as far as it concerns uploads; a new one for each test,
 * since some remember.
 */
export const profiles = {
  'Docker Hub': () => [noMount],
  GHCR: () => [fourMebibyteRanges],
  ECR: () => [stuckRange(true)],
  'ECR, range stuck only': () => [stuckRange(false)],
  GAR: () => [noChunks],
  ACR: () => [strictContentRange, noResume()],
  Quay: () => [quay()],
  Harbor: () => [noMount],
  Artifactory: () => [
    mountAnswers(405),
    acceptOnlyForManifests,
    forbiddenForAbsent,
    noSinglePut(405),
  ],
  Nexus: () => [noSinglePut(400)],
  ggcr: () => [patchAnswers(204)],
  'nginx, 8 MiB': () => [largestBody(8 * MiB)],
  'nginx, 1 MiB': () => [largestBody(MiB)],
  'docker-registry 2.8': () => [noResume()],
} as const satisfies Record<string, () => readonly Quirk[]>
