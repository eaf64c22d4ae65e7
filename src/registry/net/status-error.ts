import {
  AuthenticationError,
  type InjectError,
  IntegrityError,
  LimitError,
  NetworkError,
  NotFoundError,
} from '../../errors.js'
import {parseRegistryErrors} from '../../oci/registry-error.js'
import {quoted} from '../../oci/quoted.js'
import {displayRequest} from './endpoint.js'
import type {HttpRequest, HttpResponse} from './http.js'
import {withoutSecrets} from '../credentials/secrets.js'
import {rateLimitReset} from './rate-limit.js'
import {RefusedError} from './transport-error.js'
import {usualRefusal, type UsualRefusal} from './usual-refusals.js'

/** The most of an error's body that is read. */
const errorBodyLimit = 64 * 1024

/** The hint for a refusal by a host that the registry refers to, which gets no credentials. */
export const askedAnonymously = 'it was asked without credentials; ask the operator of the registry'

/** Reads an answer with an unaccepted status, and converts it to an error. */
export async function refusal(request: HttpRequest, response: HttpResponse): Promise<RefusedError> {
  const body = await readStart(response)
  const {headers, status} = response
  const limit = status === 429 ? rateLimitReset(headers) : undefined
  const retryAfter = headers['retry-after'] ?? limit
  const failure = statusError(request, response, body)
  return new RefusedError(status, retryAfter, failure, response.url.host)
}

/**
 * Converts a status and an error body of the distribution spec to an `InjectError`.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
 */
function statusError(
  request: Pick<HttpRequest, 'method' | 'url'>,
  {status, secrets, isKnown, url}: Pick<HttpResponse, 'status' | 'secrets' | 'isKnown' | 'url'>,
  body: Uint8Array,
): InjectError {
  const errors = parseRegistryErrors(body)
  const has = (code: string): boolean => errors.some((error) => error.code === code)
  const plain = (text: string): string => shown(withoutSecrets(text, secrets))
  const said = errors.slice(0, 3).map(({code, message}) => ` ${plain(code)}: ${plain(message)}`)
  const isOther = url.origin !== request.url.origin
  const who = isOther ? `${url.host}, where the registry sent us,` : 'the registry'
  const message = `${displayRequest(request)}: ${who} answered ${status}${said.join(',')}`

  const usual = usualRefusal({method: request.method, url: request.url, status, errors})
  if (usual)
    return usualError(
      usual,
      status,
      message,
      errors.map(({detail = ''}) => plain(detail)),
    )
  if (isOther && (status === 401 || status === 403)) {
    const hint = askedAnonymously
    return new AuthenticationError(
      status === 401 ? 'ERR_INJECT_UNAUTHORIZED' : 'ERR_INJECT_DENIED',
      message,
      {hint},
    )
  }
  if (status === 401) {
    const hint = isKnown
      ? 'the credentials were rejected; inject auth which REFERENCE shows where they come from'
      : 'log in with inject login (or docker, podman, skopeo login), use --username and --password-stdin, or set INJECT_USERNAME and INJECT_PASSWORD'
    return new AuthenticationError('ERR_INJECT_UNAUTHORIZED', message, {hint})
  }
  if (status === 403) {
    const hint = 'these credentials lack the right to do this in this repository'
    return new AuthenticationError('ERR_INJECT_DENIED', message, {hint})
  }
  if (has('MANIFEST_BLOB_UNKNOWN')) {
    return new NotFoundError('ERR_INJECT_MANIFEST_BLOB_UNKNOWN', message)
  }
  if (status === 404) return new NotFoundError('ERR_INJECT_NOT_FOUND', message)
  if (status === 413) {
    const hint = 'the registry, or a proxy before it, limits the size of uploads'
    return new LimitError('ERR_INJECT_REFUSED_AS_TOO_LARGE', message, {hint})
  }
  if (has('DIGEST_INVALID')) return new IntegrityError('ERR_INJECT_REFUSED_DIGEST', message)
  if (status === 429) return new NetworkError('ERR_INJECT_RATE_LIMITED', message)
  if (status === 507) {
    return new NetworkError('ERR_INJECT_REGISTRY_FULL', message, {hint: 'its storage is full'})
  }
  // messages of Go, and of nginx
  if (status === 400 && /HTTP request (?:was sent )?to (?:an )?HTTPS/.test(startOf(body))) {
    const hint = 'the registry speaks TLS: use --no-plain-http, or drop --plain-http'
    return new NetworkError('ERR_INJECT_REGISTRY_ANSWER', message, {hint})
  }
  return new NetworkError('ERR_INJECT_REGISTRY_ANSWER', message)
}

function usualError(
  {meaning, hint}: UsualRefusal,
  status: number,
  message: string,
  details: readonly string[],
): InjectError {
  switch (meaning) {
    case 'no-repository':
      return new NotFoundError('ERR_INJECT_NOT_FOUND', message, {hint})
    case 'locked':
    case 'unpaid':
      return new AuthenticationError('ERR_INJECT_DENIED', message, {hint})
    case 'over-quota':
      return status === 413
        ? new LimitError('ERR_INJECT_REFUSED_AS_TOO_LARGE', message, {hint})
        : new NetworkError('ERR_INJECT_REGISTRY_FULL', message, {hint})
    case 'manifest-refused': {
      const detail = details.filter((text) => text !== '').join(', ')
      const whole = detail === '' ? message : `${message} (${detail})`
      return new NetworkError('ERR_INJECT_REGISTRY_ANSWER', whole, {hint})
    }
  }
}

function startOf(body: Uint8Array): string {
  return Buffer.from(body.subarray(0, 1024)).toString('latin1')
}

async function readStart(response: HttpResponse): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of response.body) {
      chunks.push(chunk)
      size += chunk.length
      if (size > errorBodyLimit) break
    }
  } catch {
    // the status is sufficient
  }
  return Buffer.concat(chunks).subarray(0, errorBodyLimit)
}

/** Registries put anything into their messages; most are plain text. */
export function shown(text: string): string {
  return /^[\w .,:;/@()'+=-]{0,200}$/.test(text) ? text : quoted(text, 200)
}
