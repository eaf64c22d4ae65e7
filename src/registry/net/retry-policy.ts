/** Dependencies of retries, so that tests need not wait. */
export interface RetryPorts {
  /** Rejects with the signal's reason when that is aborted. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>
  /** From 0 up to, not including, 1. */
  random(): number
  /** Milliseconds since the epoch. */
  now(): number
  /** Called before waits that the user should know about. */
  onNotice?(text: string): void
  /** Called when a busy host is left alone for so long. */
  onWait?(host: string, milliseconds: number): void
}

export interface RetryPolicy {
  /** The total number of requests, including the first one. */
  readonly attempts: number
  /** The upper limit of the first wait, in milliseconds; it doubles each time. */
  readonly firstDelay: number
  readonly maxDelay: number
  /** The longest `Retry-After` that is obeyed; a longer one is an error. */
  readonly maxRetryAfter: number
}

export const defaultRetryPolicy: RetryPolicy = {
  attempts: 6,
  firstDelay: 250,
  maxDelay: 30_000,
  maxRetryAfter: 60_000,
}

/** Temporary problems of the server or a proxy, which may be gone at another try. */
export const retryableStatuses: ReadonlySet<number> = new Set([
  408, 425, 429, 499, 500, 502, 503, 504, 522, 524,
])

/**
 * How often a request may meet the failure before it is final; codes that are not listed are final
 * at once (certificates, parse errors).
 */
export function attemptsFor(code: string, {attempts}: RetryPolicy): number {
  if (code === 'ENOTFOUND') return Math.min(attempts, 2)
  return retryableCodes.has(code) ? attempts : 1
}

const retryableCodes: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ERR_STREAM_PREMATURE_CLOSE',
  // the connection ended within the answer's headers
  'HPE_INVALID_EOF_STATE',
  'ERR_EARLY_ANSWER',
  'ERR_UPLOAD_BUSY',
  'ERR_PROXY_BUSY',
])

/**
 * Milliseconds to wait after try number `attempt`: exponential, with full jitter, so that many
 * clients do not return at once.
 */
export function backoff(attempt: number, policy: RetryPolicy, random: number): number {
  return Math.round(random * Math.min(policy.maxDelay, policy.firstDelay * 2 ** (attempt - 1)))
}

/**
 * Milliseconds that a `Retry-After` asks for, in either form; a date in the past is 0. `undefined`
 * for an invalid value.
 * https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  const text = header?.trim() ?? ''
  if (/^\d{1,10}$/.test(text)) return Number(text) * 1000
  // only dates with the name of a day: `Date.parse` accepts "-1" and "3 May", too
  if (!/^[A-Z][a-z]{2,8},? [\w :+-]{10,40}$/.test(text)) return undefined
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
