import {AuthenticationError, type InjectError, NetworkError} from '../../errors.js'
import type {HostPauses} from './pauses.js'
import {
  attemptsFor,
  backoff,
  parseRetryAfter,
  retryableStatuses,
  type RetryPolicy,
  type RetryPorts,
} from './retry-policy.js'
import {RefusedError, TransportError} from './transport-error.js'

export interface RetryOptions<T> {
  readonly signal?: AbortSignal | undefined
  /**
   * Called before each retry, because the request with the lost answer may have succeeded: a value
   * ends the retries.
   */
  readonly settled?: (() => Promise<T | undefined>) | undefined
  /** Fewer tries than in the policy, if each one is expensive. */
  readonly attempts?: number
}

/**
 * Runs `work` until it succeeds, fails for good, or has failed too often; failures become an
 * `InjectError` that tells the number of tries.
 */
export type WithRetries = <T>(work: () => Promise<T>, options?: RetryOptions<T>) => Promise<T>

/** A busy host's waits go through `pauses`, if set, and so delay all requests to that host. */
export function createRetries(
  policy: RetryPolicy,
  ports: RetryPorts,
  pauses?: HostPauses,
): WithRetries {
  return async (work, {signal, settled, attempts = policy.attempts} = {}) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work()
      } catch (error) {
        signal?.throwIfAborted()
        const delay = delayAfter(error, attempt, {...policy, attempts}, ports)
        if (delay === undefined) {
          const isOfRequest = error instanceof TransportError || error instanceof RefusedError
          throw isOfRequest ? finalError(error, attempt) : error
        }
        const busy = error instanceof RefusedError && isBusy(error) ? error.host : undefined
        if (busy !== undefined) ports.onWait?.(busy, delay)
        if (pauses && busy !== undefined) await pauses.postpone(busy, delay, signal)
        else await ports.sleep(delay, signal)
      }
      const value = await settled?.()
      if (value !== undefined) return value
    }
  }
}

/** Whether the host is overloaded, rather than this request being unlucky. */
function isBusy({status}: RefusedError): boolean {
  return status === 429 || status === 503
}

/** `undefined`: do not retry. */
function delayAfter(
  error: unknown,
  attempt: number,
  policy: RetryPolicy,
  ports: RetryPorts,
): number | undefined {
  const usual = backoff(attempt, policy, ports.random())
  if (error instanceof TransportError) {
    return attempt < attemptsFor(error.code, policy) ? usual : undefined
  }
  if (!(error instanceof RefusedError) || !retryableStatuses.has(error.status)) return undefined
  const asked = parseRetryAfter(error.retryAfter, ports.now())
  const isLast = attempt >= policy.attempts
  // a `Retry-After` of 0 must not cause immediate retries forever
  if (asked === undefined || asked === 0) return isLast ? undefined : usual
  const seconds = Math.ceil(asked / 1000)
  if (asked > policy.maxRetryAfter) {
    throw new NetworkError(
      'ERR_INJECT_RATE_LIMITED',
      `${error.failure.message}; it asks to wait ${seconds} s, which is too long`,
      {cause: error.failure, hint: `try again in ${seconds} s`},
    )
  }
  if (isLast) throw withHint(error.failure, `try again in ${seconds} s`)
  if (seconds > 5) ports.onNotice?.(`${error.failure.message}; trying again in ${seconds} s`)
  return asked
}

function withHint(failure: InjectError, hint: string): InjectError {
  if (failure.hint !== undefined || !(failure instanceof NetworkError)) return failure
  return new NetworkError(failure.code, failure.message, {cause: failure, hint})
}

/** The error for the rest of the program, after so many tries. */
export function finalError(error: TransportError | RefusedError, attempts: number): InjectError {
  const tried = attempts === 1 ? '' : ` (tried ${attempts} times)`
  if (error instanceof TransportError) {
    const hint = hintFor(error)
    if (error.code === 'ERR_PROXY_AUTH') {
      return new AuthenticationError('ERR_INJECT_PROXY_UNAUTHORIZED', error.message, {
        cause: error,
        hint: 'put user and password into the address of the proxy: http://USER:PASSWORD@HOST:PORT',
      })
    }
    return new NetworkError('ERR_INJECT_NETWORK', `${error.message}${tried}`, {
      cause: error,
      ...(hint && {hint}),
    })
  }
  return error.failure
}

const hints: ReadonlyMap<string, string> = new Map([
  ['ENOTFOUND', "check the registry's name, and whether this network needs a proxy"],
  ['EAI_AGAIN', 'names cannot be resolved: check the network'],
  ['ECONNREFUSED', 'nothing listens there: check host and port'],
  ['ETIMEDOUT', 'check host and port, and what is between here and there'],
  ['EHOSTUNREACH', 'check the network'],
  ['ENETUNREACH', 'check the network'],
  [
    'CERT_HAS_EXPIRED',
    "the registry's certificate has to be renewed there, unless this machine's clock is wrong",
  ],
  ['CERT_NOT_YET_VALID', "check this machine's clock: the certificate is for later"],
  ['CERT_REVOKED', "the registry's certificate has to be renewed there"],
  ['EE_KEY_TOO_SMALL', "the key of the registry's certificate is too weak: renew it there"],
  ['CA_MD_TOO_WEAK', "the signature of the registry's certificate is too weak: renew it there"],
])

function hintFor({code, message}: TransportError): string | undefined {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return "check the registry's name: its certificate is for another"
  if (code === 'ERR_PROXY_REFUSED' || code === 'ERR_PROXY_BUSY' || /the proxy /.test(message)) {
    return 'check HTTPS_PROXY, HTTP_PROXY and NO_PROXY'
  }
  if (/alert (?:certificate required|bad certificate|unknown ca|handshake failure)/.test(message)) {
    return 'the registry may want a client certificate: use --cert-file and --key-file'
  }
  if (/alert protocol version|unsupported protocol/.test(message)) {
    return 'it speaks no TLS of version 1.2 or later'
  }
  if (/CERT_(?:HAS_EXPIRED|NOT_YET_VALID|REVOKED)/.test(code)) return hints.get(code)
  if (/CERT|SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET_ISSUER)/.test(code)) {
    return "make the registry's certificate authority known with --ca-file FILE, or as a .crt file in ~/.config/containers/certs.d/HOST:PORT"
  }
  // a request that was sent over TLS would have shown that the server speaks it
  if (/^(?:HPE_|ECONNRESET)/.test(code) && /^(?:GET|HEAD) http:\/\//.test(message)) {
    return 'if the registry speaks TLS, use --no-plain-http'
  }
  if (/wrong version number|packet length too long/i.test(message)) {
    return 'if the registry speaks plain http, use --plain-http'
  }
  return hints.get(code)
}
