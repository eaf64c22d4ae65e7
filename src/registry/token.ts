import {AuthenticationError} from '../errors.js'
import {readAll} from '../stream/limit.js'
import {bytesBody} from './bytes-body.js'
import type {Challenge} from './challenge.js'
import {basicAuthorization, type Credential} from './credential.js'
import {displayUrl} from './endpoint.js'
import type {Exchange, HttpRequest} from './http.js'
import {resolveRealm} from './realm.js'
import {followRedirects} from './redirects.js'
import {refusal} from './status-error.js'
import type {WithRetries} from './with-retries.js'

export interface Token {
  readonly value: string
  /** Milliseconds since the epoch by our clock, counted from when the token came, with a fifth of its life to spare. */
  readonly staleAt: number
}

export interface TokenRequest {
  /** The Bearer challenge. */
  readonly challenge: Challenge
  /** Who sent it. */
  readonly registry: URL
  /** In the order of importance: some token servers look at the first one only. */
  readonly scopes: readonly string[]
  readonly credential: Credential | undefined
}

export interface TokenPorts {
  readonly exchange: Exchange
  readonly withRetries: WithRetries
  now(): number
}

const tokenLimit = 1024 * 1024

/**
 * Gets a token that is good for `scopes`. Throws `AuthenticationError` when the token server has none for us.
 * https://distribution.github.io/distribution/spec/auth/token/ and https://distribution.github.io/distribution/spec/auth/oauth/
 */
export async function fetchToken(request: TokenRequest, ports: TokenPorts): Promise<Token> {
  const realm = resolveRealm(request.challenge.parameters.get('realm'), request.registry)
  const http = request.credential?.kind === 'identity-token' ? refresh : ask
  return ports.withRetries(async () => {
    const exchange = http(request, request.credential, realm)
    const response = await followRedirects(ports.exchange, exchange)
    if (response.status === 200) {
      const body = await readAll(response.body, tokenLimit, `token from ${displayUrl(realm)}`)
      return parseToken(body, realm, ports.now())
    }
    const refused = await refusal(exchange, response)
    if (response.status !== 401 && response.status !== 403) throw refused
    throw noToken(realm, request.credential, refused.message)
  })
}

function ask(
  {challenge, scopes}: TokenRequest,
  credential: Credential | undefined,
  realm: URL,
): HttpRequest {
  const url = new URL(realm)
  const service = challenge.parameters.get('service')
  if (service !== undefined) url.searchParams.set('service', service)
  url.searchParams.set('client_id', 'inject')
  for (const scope of scopes) url.searchParams.append('scope', scope)
  if (credential?.kind !== 'password') return {method: 'GET', url}
  url.searchParams.set('account', credential.username)
  return {method: 'GET', url, headers: {authorization: basicAuthorization(credential)}}
}

function refresh(
  {challenge, scopes}: TokenRequest,
  credential: Credential | undefined,
  url: URL,
): HttpRequest {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    service: challenge.parameters.get('service') ?? '',
    client_id: 'inject',
    scope: scopes.join(' '),
    refresh_token: credential?.kind === 'identity-token' ? credential.token : '',
  })
  const bytes = Buffer.from(form.toString())
  return {
    method: 'POST',
    url,
    headers: {'content-type': 'application/x-www-form-urlencoded'},
    body: bytesBody(bytes),
  }
}

/** Less is not worth the request for another token, and some servers say nothing or nonsense. */
const shortestLife = 60

function parseToken(body: Uint8Array, realm: URL, now: number): Token {
  const {token, access_token: accessToken, expires_in: life} = parseObject(body)
  const value = token || accessToken
  // what stands in a header must not end it
  if (typeof value !== 'string' || !/^[\x21-\x7E]+$/.test(value)) {
    throw new AuthenticationError(
      'ERR_INJECT_TOKEN_INVALID',
      `the token server at ${displayUrl(realm)} answered without a token`,
    )
  }
  const seconds = typeof life === 'number' && life > shortestLife ? life : shortestLife
  return {value, staleAt: now + seconds * 800}
}

function parseObject(body: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString())
    return typeof value === 'object' && value !== null ? {...value} : {}
  } catch {
    // the parser's message quotes the text, which may hold a token
    return {}
  }
}

function noToken(
  realm: URL,
  credential: Credential | undefined,
  said: string,
): AuthenticationError {
  const who = credential ? 'these credentials' : 'anonymous access'
  return new AuthenticationError(
    'ERR_INJECT_UNAUTHORIZED',
    `the token server at ${displayUrl(realm)} refused ${who}: ${said}`,
    {
      hint: credential
        ? 'check the user name and the password or token'
        : 'log in with docker, podman or skopeo login, or say --username and --password-stdin',
    },
  )
}
