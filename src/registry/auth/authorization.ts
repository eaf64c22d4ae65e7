import {AuthenticationError} from '../../errors.js'
import {quoted} from '../../oci/quoted.js'
import {parseChallenges, type Challenge} from './challenge.js'
import {
  basicAuthorization,
  type Credential,
  type CredentialLookup,
} from '../credentials/credential.js'
import {displayUrl} from '../net/endpoint.js'
import type {SendRequest, HttpRequest, HttpResponse} from '../net/http.js'
import type {ExtraHeaders} from '../credentials/http-headers.js'
import {followRedirects} from '../net/redirects.js'
import {retryableStatuses} from '../net/retry-policy.js'
import {secretsOf} from '../credentials/secrets.js'
import {refusal} from '../net/status-error.js'
import {createOtherRegistries} from './other-registry.js'
import {createTokenCache, type TokenUse} from './token-cache.js'
import {fetchToken, type TokenPorts} from './token.js'
import {waitFor} from '../../stream/wait-for.js'

/**
 * The rights that a request needs: in the repository (`push` includes `pull`), to mount a blob from
 * another repository, to list the registry's repositories, or only to be authenticated.
 */
export type RequestedAccess = 'none' | 'pull' | 'push' | 'catalog' | {readonly mountFrom: string}

export interface AuthorizationSettings extends TokenPorts {
  /** The registry's root; secrets are sent only to this origin and to the token server. */
  readonly registry: URL
  readonly repository: string
  readonly credentials: CredentialLookup
  /**
   * The user's own headers for this registry and its token server; read once, at the first request.
   */
  readonly headers?: (() => Promise<ExtraHeaders>) | undefined
}

/**
 * Sends a request with the authorization that the registry asks for, following redirects. An answer
 * 401 means that the available credentials are not sufficient.
 */
export type SendAuthorized = (
  request: HttpRequest,
  access: RequestedAccess,
) => Promise<HttpResponse>

/** How many more tries a registry gets that repeats its challenge. */
const maxRounds = 2

/**
 * The authorization state of one registry: its last challenge, the credentials, and the tokens.
 * Safe for parallel requests.
 */
export function createAuthorization(settings: AuthorizationSettings): SendAuthorized {
  const {registry, repository} = settings
  const tokens = createTokenCache(() => settings.now())
  const askOther = createOtherRegistries(settings)
  let challenge: Challenge | undefined
  let identity: Promise<Credential | undefined> | undefined
  let headers: Promise<ExtraHeaders> | undefined
  const whoAmI = (): Promise<Credential | undefined> => (identity ??= settings.credentials())
  const scopeOf = (action: 'pull' | 'pull,push', name = repository): string =>
    `repository:${name}:${action}`

  return async (request, access) => {
    // storage behind the registry, such as an upload host, must not get a login
    if (request.url.origin !== registry.origin) return followRedirects(settings.exchange, request)
    const scopes = scopesOf(access)
    for (let round = 0; ; round++) {
      const authorization = await header(scopes, useOf(request), request.signal)
      const response = await followRedirects(exchange, {
        ...request,
        headers: {...request.headers, ...(authorization && {authorization})},
      })
      if (response.url.origin !== registry.origin)
        return withSecrets(await askOther(request, response))
      const asked = response.status === 401
      if (!asked || round === maxRounds) return withSecrets(response)
      if (!(await learn(response, authorization, scopes, request.signal)))
        return withSecrets(response)
      await response.discard()
    }
  }

  /**
   * Adds the secrets that errors must not repeat: credentials and the user's own headers, even if
   * the request did not carry them.
   */
  async function withSecrets(response: HttpResponse): Promise<HttpResponse> {
    if (response.status < 400) return response
    const who = await identity
    const own = secretsOf(who, Object.values((await headers) ?? {}))
    // credentials that were not sent were not refused
    const isKnown = who !== undefined && response.url.origin === registry.origin
    return {...response, secrets: [...own, ...response.secrets], isKnown}
  }

  function scopesOf(access: RequestedAccess): string[] {
    if (access === 'none') return []
    if (access === 'pull') return [scopeOf('pull')]
    if (access === 'push') return [scopeOf('pull,push')]
    // https://distribution.github.io/distribution/spec/auth/scope/#resource-types
    if (access === 'catalog') return ['registry:catalog:*']
    const here = scopeOf('pull,push')
    return access.mountFrom === repository ? [here] : [here, scopeOf('pull', access.mountFrom)]
  }

  /**
   * Adds the user's own headers to requests to the registry, but not to the storage that it
   * redirects to.
   */
  async function exchange(request: HttpRequest): Promise<HttpResponse> {
    return request.url.origin === registry.origin
      ? withHeaders(request)
      : settings.exchange(request)
  }

  async function withHeaders(request: HttpRequest): Promise<HttpResponse> {
    const extra = await (headers ??= settings.headers?.() ?? Promise.resolve({}))
    return settings.exchange({...request, headers: {...extra, ...request.headers}})
  }

  /** The header to send; `undefined` until the registry asks for one, because many never do. */
  async function header(
    scopes: readonly string[],
    use: TokenUse,
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> {
    if (!challenge) return undefined
    const credential = await whoAmI()
    if (challenge.scheme === 'basic') {
      return credential?.kind === 'password' ? basicAuthorization(credential) : undefined
    }
    if (credential?.kind === 'registry-token') return `Bearer ${credential.token}`
    const request = {challenge, registry, scopes: [...scopes], credential}
    // the right to push includes the right to pull
    const wider = scopes[0] === scopeOf('pull') ? [scopeOf('pull,push')] : scopes
    const ports = {...settings, exchange: tokenExchange()}
    const token = tokens.get({scopes, wider, use}, () => fetchToken(request, ports))
    return `Bearer ${(await waitFor(token, signal)).value}`
  }

  /** Sends the user's headers to the token server, but not to hosts that it redirects to. */
  function tokenExchange(): SendRequest {
    let server: string | undefined
    return (request) => {
      server ??= request.url.origin
      return request.url.origin === server ? withHeaders(request) : settings.exchange(request)
    }
  }

  /** Learns from a 401; returns whether another try may succeed. */
  async function learn(
    response: HttpResponse,
    sent: string | undefined,
    scopes: string[],
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const found = choose(response, registry) ?? (await ping(signal))
    if (!found) return false
    challenge = found
    const credential = await whoAmI()
    if (found.scheme === 'basic') {
      return credential?.kind === 'password' && sent !== basicAuthorization(credential)
    }
    if (credential?.kind === 'registry-token') return sent !== `Bearer ${credential.token}`
    if (sent?.startsWith('Bearer ')) tokens.drop(sent.slice('Bearer '.length))
    const wanted = found.parameters.get('scope')
    if (found.parameters.get('error') === 'insufficient_scope' && wanted) {
      // first, because some token servers honour only the first one
      scopes.unshift(...wanted.split(' ').filter((scope) => scope && !scopes.includes(scope)))
    }
    return true
  }

  /** Some registries tell how to log in only at their root. */
  async function ping(signal: AbortSignal | undefined): Promise<Challenge | undefined> {
    const request = {method: 'GET', url: new URL('/v2/', registry), signal} as const
    const response = await followRedirects(exchange, request)
    if (retryableStatuses.has(response.status)) throw await refusal(request, response)
    await response.discard()
    const isAsked = response.status === 401 && response.url.origin === registry.origin
    return isAsked ? choose(response, registry) : undefined
  }
}

/** A token must not expire during a request with content. */
function useOf({method}: HttpRequest): TokenUse {
  return method === 'PUT' || method === 'PATCH' ? 'send' : 'ask'
}

/**
 * The best supported scheme of all challenges. `undefined` when there are no challenges; throws
 * `AuthenticationError` (`ERR_INJECT_AUTH_SCHEME_UNKNOWN`) when none is supported.
 */
function choose({headers}: HttpResponse, registry: URL): Challenge | undefined {
  const challenges = parseChallenges(headers['www-authenticate'])
  const found =
    challenges.find(({scheme}) => scheme === 'bearer') ??
    challenges.find(({scheme}) => scheme === 'basic')
  if (found ?? challenges.length === 0) return found
  const schemes = challenges.map(({scheme}) => scheme).join(', ')
  throw new AuthenticationError(
    'ERR_INJECT_AUTH_SCHEME_UNKNOWN',
    `the registry at ${displayUrl(registry)} wants to be logged in to by ${quoted(schemes, 80)}`,
    {hint: 'inject knows Bearer and Basic; ask the operator of the registry for one of them'},
  )
}
