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
import {secretsOf} from '../net/secrets.js'
import {refusal} from '../net/status-error.js'
import {createOtherRegistries} from './other-registry.js'
import {createTokenCache, type TokenUse} from './token-cache.js'
import {fetchToken, type TokenPorts} from './token.js'
import {waitFor} from '../../stream/wait-for.js'

/**
 * What a request needs the right to do: in the repository (`push` includes `pull`), to take a blob
 * over from another one, or nothing but to be known.
 */
export type RequestedAccess = 'none' | 'pull' | 'push' | {readonly mountFrom: string}

export interface AuthorizationSettings extends TokenPorts {
  /** The registry's root; nothing secret goes to any other origin but the token server's. */
  readonly registry: URL
  readonly repository: string
  readonly credentials: CredentialLookup
  /**
   * The user's own headers for this registry and its token server; asked for once, at the first
   * request.
   */
  readonly headers?: (() => Promise<ExtraHeaders>) | undefined
}

/**
 * Sends a request with what the registry wants to see, following redirects. An answer 401 means
 * that nothing we have will do.
 */
export type SendAuthorized = (
  request: HttpRequest,
  access: RequestedAccess,
) => Promise<HttpResponse>

/** A registry that asks again and again gets this many more tries. */
const maxRounds = 2

/**
 * One registry's state: the challenge it sent last, who we are, the tokens that we hold. Safe for
 * requests in parallel.
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
    // storage behind the registry, such as an upload host: no business of ours to log in there
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
   * Errors must not repeat what we are known by, nor the user's own headers, even where the request
   * did not carry them.
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
    const here = scopeOf('pull,push')
    return access.mountFrom === repository ? [here] : [here, scopeOf('pull', access.mountFrom)]
  }

  /**
   * With the user's own headers, on the way to the registry: storage that it redirects to has no
   * use for them.
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

  /** The header to send now; none before the registry has asked for one, for many never do. */
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
    // who may push may pull
    const wider = scopes[0] === scopeOf('pull') ? [scopeOf('pull,push')] : scopes
    const ports = {...settings, exchange: tokenExchange()}
    const token = tokens.get({scopes, wider, use}, () => fetchToken(request, ports))
    return `Bearer ${(await waitFor(token, signal)).value}`
  }

  /** The token server gets the user's headers, too, but not those that it redirects to. */
  function tokenExchange(): SendRequest {
    let server: string | undefined
    return (request) => {
      server ??= request.url.origin
      return request.url.origin === server ? withHeaders(request) : settings.exchange(request)
    }
  }

  /** Whether another try with what the 401 says may end otherwise. */
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
      // first, because some token servers look at the first one only
      scopes.unshift(...wanted.split(' ').filter((scope) => scope && !scopes.includes(scope)))
    }
    return true
  }

  /** Some registries answer 401 and say how to log in only at the root. */
  async function ping(signal: AbortSignal | undefined): Promise<Challenge | undefined> {
    const request = {method: 'GET', url: new URL('/v2/', registry), signal} as const
    const response = await followRedirects(exchange, request)
    if (retryableStatuses.has(response.status)) throw await refusal(request, response)
    await response.discard()
    const isAsked = response.status === 401 && response.url.origin === registry.origin
    return isAsked ? choose(response, registry) : undefined
  }
}

/** What carries content is the last thing that a token may end in. */
function useOf({method}: HttpRequest): TokenUse {
  return method === 'PUT' || method === 'PATCH' ? 'send' : 'ask'
}

/**
 * The better one of the schemes that we know; several challenges may come at once. `undefined` when
 * there is none at all; throws `AuthenticationError` (`ERR_INJECT_AUTH_SCHEME_UNKNOWN`) when there
 * are only others.
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
