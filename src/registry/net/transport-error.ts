import type {InjectError} from '../../errors.js'

/**
 * A network failure: no answer, or an incomplete one. Stays inside src/registry, where the request
 * is retried or the error becomes a `NetworkError`. It keeps the code and the message of the error
 * that got or Node threw, never the object, which refers to the request's headers.
 */
export class TransportError extends Error {
  override readonly name = 'TransportError'
  /** `ECONNRESET`, `ETIMEDOUT`, `CERT_HAS_EXPIRED`, … */
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** Converts any error of a stream or a request; `doing` starts the message. */
export function transportError(error: unknown, doing: string): TransportError {
  if (error instanceof TransportError) return error
  const cause = error instanceof Error ? error : new Error(String(error))
  // got wraps an `InjectError` that destroyed its stream
  if (cause.cause instanceof TransportError) return cause.cause
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : 'ERR_UNKNOWN'
  return new TransportError(code, `${doing}: ${oneLine(messageOf(cause))}`)
}

/** A host with several addresses fails with as many errors and without a message of its own. */
function messageOf(error: Error): string {
  const first: unknown = error.cause instanceof AggregateError ? error.cause.errors[0] : undefined
  return error.message || (first instanceof Error ? first.message : 'it failed')
}

function oneLine(text: string): string {
  // OpenSSL's own messages name its source files
  if (/:SSL routines:/.test(text)) {
    const reason = text.split(':')[5] ?? 'SSL error'
    const none = /wrong version number|packet length too long|http request/.test(reason)
    return `${none ? 'no TLS there' : 'no TLS connection could be made'} (${reason})`
  }
  return text
    .replaceAll(/\s+/g, ' ')
    .replace(/[\s:]+$/, '')
    .slice(0, 300)
}

/** An answer with an unaccepted status. `failure` is the error to report if it is not retried. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError'
  readonly status: number
  /** The `Retry-After` header as it was received. */
  readonly retryAfter: string | undefined
  readonly failure: InjectError
  /** The host that refused, so that other requests to it can wait, too. */
  readonly host: string | undefined

  constructor(status: number, retryAfter: string | undefined, failure: InjectError, host?: string) {
    super(failure.message)
    this.status = status
    this.retryAfter = retryAfter
    this.failure = failure
    this.host = host
  }
}

/**
 * A failure of a proxy, or of the network on the way to it. The code tells whether a retry may help
 * (retry-policy.ts).
 */
export class ProxyError extends Error {
  override readonly name = 'ProxyError'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}
/**
 * The error for the proxy's own answer: 407 is about its credentials, a 5xx is temporary, anything
 * else is final.
 */
export function proxyRefusal(proxy: string, status: number, doing: string): ProxyError {
  if (status === 407) {
    return new ProxyError('ERR_PROXY_AUTH', `the proxy ${proxy} wants other credentials (407)`)
  }
  const busy = status >= 500 || status === 408 || status === 429
  const code = busy ? 'ERR_PROXY_BUSY' : 'ERR_PROXY_REFUSED'
  return new ProxyError(code, `the proxy ${proxy} answered ${status} when asked to ${doing}`)
}
