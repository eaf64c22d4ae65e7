import {AuthenticationError, NetworkError} from '../../errors.js'
import {readAll} from '../../stream/limit.js'
import {bytesBody, type SendRequest, type HttpRequest} from '../net/http.js'
import type {Challenge} from './challenge.js'
import {basicAuthorization, type Credential} from '../credentials/credential.js'
import {displayUrl} from '../net/endpoint.js'
import {realmRefused, resolveRealm} from './realm.js'
import {followRedirects} from '../net/redirects.js'
import {secretsOf} from '../credentials/secrets.js'
import {refusal} from '../net/status-error.js'
import type {RefusedError} from '../net/transport-error.js'
import type {WithRetries} from '../net/with-retries.js'
import {parseJsonValue} from '../../oci/json-value.js'

export interface TokenRequest {
  /** The Bearer challenge. */
  readonly challenge: Challenge
  /** The registry that sent it. */
  readonly registry: URL
  /**
   * In the order of importance, because some token servers honour only the first one. Empty: the
   * token only authenticates.
   */
  readonly scopes: readonly string[]
  readonly credential: Credential | undefined
}

export interface TokenPorts {
  readonly exchange: SendRequest
  readonly withRetries: WithRetries
  now(): number
}

const tokenLimit = 64 * 1024

/**
 * Statuses of token servers without OAuth 2: Azure's, Artifactory's, Google's, and those that route
 * by method.
 */
const withoutOauth: ReadonlySet<number> = new Set([400, 401, 404, 405])

/**
 * Fetches a token for `scopes`. Throws `AuthenticationError` when the token server refuses.
 * https://distribution.github.io/distribution/spec/auth/token/ and
 * https://distribution.github.io/distribution/spec/auth/oauth/
 */
export async function fetchToken(request: TokenRequest, ports: TokenPorts): Promise<Token> {
  const {registry, credential, challenge} = request
  const realm = resolveRealm(challenge.parameters.get('realm'), registry)
  return ports.withRetries(async () => {
    const send = async (exchange: HttpRequest): Promise<Token | RefusedError> => {
      const response = await followRedirects(ports.exchange, exchange).catch((error: unknown) => {
        const isRefused =
          error instanceof NetworkError && error.code === 'ERR_INJECT_ADDRESS_REFUSED'
        if (!isRefused) throw error
        throw realmRefused(registry, `its realm leads to this machine: ${displayUrl(realm)}`)
      })
      if (response.status !== 200) {
        const secrets = [...secretsOf(credential, []), ...response.secrets]
        return refusal(exchange, {...response, secrets})
      }
      const body = await readAll(response.body, tokenLimit, `token from ${displayUrl(realm)}`)
      return parseToken(body, realm, ports.now())
    }
    let answer: Token | RefusedError | undefined
    if (credential?.kind === 'identity-token')
      answer = await send(refresh(request, credential, realm))
    if (answer === undefined || ('status' in answer && withoutOauth.has(answer.status))) {
      answer = await send(ask(request, realm))
    }
    if (!('status' in answer)) return answer
    if (answer.status !== 401 && answer.status !== 403) throw answer
    throw noToken(realm, credential, answer.message)
  })
}

function ask({challenge, scopes, credential}: TokenRequest, realm: URL): HttpRequest {
  const url = new URL(realm)
  const service = challenge.parameters.get('service')
  if (service !== undefined) url.searchParams.set('service', service)
  url.searchParams.set('client_id', 'inject')
  for (const scope of scopes) url.searchParams.append('scope', scope)
  const login = loginOf(credential)
  if (!login) return {method: 'GET', url}
  if (credential?.kind === 'password') url.searchParams.set('account', login.username)
  return {method: 'GET', url, headers: {authorization: basicAuthorization(login)}}
}

/**
 * An identity token is sent as the password, with the user name that came with it or the one that
 * marks such tokens.
 */
function loginOf(
  credential: Credential | undefined,
): {username: string; password: string} | undefined {
  if (credential?.kind === 'password') return credential
  if (credential?.kind !== 'identity-token') return undefined
  return {username: credential.username ?? '<token>', password: credential.token}
}

function refresh(
  {challenge, scopes}: TokenRequest,
  {token}: Credential & {kind: 'identity-token'},
  url: URL,
): HttpRequest {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    service: challenge.parameters.get('service') ?? '',
    client_id: 'inject',
    ...(scopes.length > 0 && {scope: scopes.join(' ')}),
    refresh_token: token,
  })
  return {
    method: 'POST',
    url,
    headers: {'content-type': 'application/x-www-form-urlencoded'},
    body: bytesBody(Buffer.from(form.toString())),
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
        : 'log in with inject login, or use --username and --password-stdin',
    },
  )
}
export interface Token {
  readonly value: string
  /**
   * Milliseconds since the epoch by the local clock, when the token arrived: servers' clocks are
   * not trusted.
   */
  readonly receivedAt: number
  /** Milliseconds that it is valid. */
  readonly life: number
}
/**
 * The shortest life that is assumed: some servers send none or a nonsensical one, and a token that
 * is refused earlier is replaced.
 */
const shortestLife = 60
/** A week: a longer life is not believed. */
const longestLife = 7 * 86400
/**
 * Parses the answer of a token server. Throws `AuthenticationError` (`ERR_INJECT_TOKEN_INVALID`),
 * without quoting the answer.
 */
function parseToken(body: Uint8Array, realm: URL, now: number): Token {
  const {token, access_token: accessToken, expires_in: life} = parseObject(body)
  const value = token || accessToken
  // a line break would end the header
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
