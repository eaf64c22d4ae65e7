import {AuthenticationError} from '../errors.js'
import {parseJsonValue} from '../oci/json-value.js'
import {displayUrl} from './net/endpoint.js'

export interface Token {
  readonly value: string
  /** Milliseconds since the epoch by our clock, counted from when the token came: servers' clocks are not asked. */
  readonly receivedAt: number
  /** Milliseconds that it is good for. */
  readonly life: number
}

/** Less is not worth the request for another token, and some servers say nothing or nonsense; one that is refused earlier is replaced. */
const shortestLife = 60
/** A week: who promises more is not believed. */
const longestLife = 7 * 86_400

/** The answer of a token server. Throws `AuthenticationError` (`ERR_INJECT_TOKEN_INVALID`), without quoting it. */
export function parseToken(body: Uint8Array, realm: URL, now: number): Token {
  const {token, access_token: accessToken, expires_in: life} = parseObject(body)
  const value = token || accessToken
  // what stands in a header must not end it
  if (typeof value !== 'string' || !/^[\x21-\x7E]+$/.test(value)) {
    throw new AuthenticationError(
      'ERR_INJECT_TOKEN_INVALID',
      `the token server at ${displayUrl(realm)} answered without a token`,
    )
  }
  const seconds =
    typeof life === 'number' ? Math.min(Math.max(life, shortestLife), longestLife) : shortestLife
  return {value, receivedAt: now, life: seconds * 1000}
}

function parseObject(body: Uint8Array): Record<string, unknown> {
  const value = parseJsonValue(Buffer.from(body).toString())
  return typeof value === 'object' && value !== null ? {...value} : {}
}
