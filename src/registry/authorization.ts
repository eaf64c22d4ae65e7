import {parseChallenges, type Challenge} from './challenge.js'
import {basicAuthorization, type Credential, type CredentialLookup} from './credential.js'
import type {HttpRequest, HttpResponse} from './http.js'
import {followRedirects} from './redirects.js'
import {createTokenCache} from './token-cache.js'
import {fetchToken, type TokenPorts} from './token.js'
import {waitFor} from './wait-for.js'

/** What a request needs the right to do in the repository; `push` includes `pull`. */
export type Access = 'pull' | 'push'

export interface AuthorizationSettings extends TokenPorts {
  /** The registry's root; nothing secret goes to any other origin but the token server's. */
  readonly registry: URL
  readonly repository: string
  readonly credentials: CredentialLookup
}

/** Sends a request with what the registry wants to see, following redirects. An answer 401 means that nothing we have will do. */
export type SendAuthorized = (request: HttpRequest, access: Access) => Promise<HttpResponse>

/** A registry that asks again and again gets this many more tries. */
const maxRounds = 2

/** One registry's state: the challenge it sent last, who we are, the tokens that we hold. Safe for requests in parallel. */
export function createAuthorization(settings: AuthorizationSettings): SendAuthorized {
  const {registry, repository, exchange} = settings
  const tokens = createTokenCache(() => settings.now())
  let challenge: Challenge | undefined
  let identity: Promise<Credential | undefined> | undefined
  const whoAmI = (): Promise<Credential | undefined> => (identity ??= settings.credentials())
  const scopeOf = (access: Access): string =>
    `repository:${repository}:${access === 'push' ? 'pull,push' : 'pull'}`

  return async (request, access) => {
    // storage behind the registry, such as an upload host: no business of ours to log in there
    if (request.url.origin !== registry.origin) return followRedirects(exchange, request)
    const scopes = [scopeOf(access)]
    for (let round = 0; ; round++) {
      const authorization = await header(scopes, request.signal)
      const response = await followRedirects(exchange, {
        ...request,
        headers: {...request.headers, ...(authorization && {authorization})},
      })
      const asked = response.status === 401 && response.url.origin === registry.origin
      if (!asked || round === maxRounds) return response
      if (!(await learn(response, authorization, scopes, request.signal))) return response
      await response.discard()
    }
  }

  /** The header to send now; none before the registry has asked for one, for many never do. */
  async function header(
    scopes: readonly string[],
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
    const wider = scopes[0] === scopeOf('pull') ? [scopeOf('push')] : scopes
    const token = tokens.get(scopes, () => fetchToken(request, settings), wider)
    return `Bearer ${(await waitFor(token, signal)).value}`
  }

  /** Whether another try with what the 401 says may end otherwise. */
  async function learn(
    response: HttpResponse,
    sent: string | undefined,
    scopes: string[],
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const found = choose(response.headers['www-authenticate']) ?? (await ping(signal))
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
    const response = await exchange({method: 'GET', url: new URL('/v2/', registry), signal})
    await response.discard()
    return response.status === 401 ? choose(response.headers['www-authenticate']) : undefined
  }
}

/** The better one of the schemes that we know; several challenges may come at once. */
function choose(header: string | undefined): Challenge | undefined {
  const challenges = parseChallenges(header)
  return (
    challenges.find(({scheme}) => scheme === 'bearer') ??
    challenges.find(({scheme}) => scheme === 'basic')
  )
}
