import {NetworkError} from '../errors.js'
import {
  attemptsFor,
  backoff,
  parseRetryAfter,
  retryableStatuses,
  type RetryPolicy,
  type RetryPorts,
} from './retry.js'
import {RefusedError, TransportError} from './transport-error.js'

export interface RetryOptions<T> {
  readonly signal?: AbortSignal | undefined
  /** Asked before each further try, because the lost answer may have been a success: a value ends the matter. */
  readonly settled?: (() => Promise<T | undefined>) | undefined
  /** Fewer tries than the policy has, where each is dear. */
  readonly attempts?: number
}

/** What runs `work` until it succeeds, fails for good, or has failed too often; failures come out as errors of ours that say so. */
export type WithRetries = <T>(work: () => Promise<T>, options?: RetryOptions<T>) => Promise<T>

export function createRetries(policy: RetryPolicy, ports: RetryPorts): WithRetries {
  return async (work, {signal, settled, attempts = policy.attempts} = {}) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work()
      } catch (error) {
        signal?.throwIfAborted()
        const delay = delayAfter(error, attempt, {...policy, attempts}, ports)
        if (delay === undefined) throw finalError(error, attempt)
        await ports.sleep(delay, signal)
      }
      const value = await settled?.()
      if (value !== undefined) return value
    }
  }
}

/** `undefined`: not again. */
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
  if (attempt >= policy.attempts) return undefined
  const asked = parseRetryAfter(error.retryAfter, ports.now())
  if (asked === undefined) return usual
  const seconds = Math.ceil(asked / 1000)
  if (asked > policy.maxRetryAfter) {
    throw new NetworkError(
      'ERR_INJECT_RATE_LIMITED',
      `${error.failure.message}; it asks to wait ${seconds} s, which is too long`,
      {cause: error.failure, hint: `try again in ${seconds} s`},
    )
  }
  if (seconds > 5) ports.onNotice?.(`${error.failure.message}; trying again in ${seconds} s`)
  return asked
}

/** The error as the rest of the program knows it. */
function finalError(error: unknown, attempts: number): unknown {
  const tried = attempts === 1 ? '' : ` (tried ${attempts} times)`
  if (error instanceof TransportError) {
    const hint = hintFor(error)
    return new NetworkError('ERR_INJECT_NETWORK', `${error.message}${tried}`, {
      cause: error,
      ...(hint && {hint}),
    })
  }
  return error instanceof RefusedError ? error.failure : error
}

const hints: ReadonlyMap<string, string> = new Map([
  ['ENOTFOUND', "check the registry's name"],
  ['EAI_AGAIN', 'names cannot be resolved: check the network'],
  ['ECONNREFUSED', 'nothing listens there: check host and port'],
  ['ETIMEDOUT', 'check host and port, and what is between here and there'],
  ['EHOSTUNREACH', 'check the network'],
  ['ENETUNREACH', 'check the network'],
])

function hintFor({code, message}: TransportError): string | undefined {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return "check the registry's name: its certificate is for another"
  if (/CERT|SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET_ISSUER)/.test(code)) {
    return "make the registry's certificate authority known with NODE_EXTRA_CA_CERTS=FILE"
  }
  if (/wrong version number|packet length too long/i.test(message)) {
    return 'if the registry speaks plain http, say --plain-http'
  }
  return hints.get(code)
}
