import {AuthenticationError} from '../../errors.js'
import type {HttpRequest, HttpResponse} from '../net/http.js'
import {followRedirects, withoutSecrets} from '../net/redirects.js'
import {askedAnonymously} from '../net/status-error.js'
import {parseChallenges} from './challenge.js'
import {createTokenCache} from './token-cache.js'
import {fetchToken, type TokenPorts} from './token.js'

/** Answers a redirected request that another registry refused; otherwise returns the refusal. */
export type AskOtherRegistry = (
  request: HttpRequest,
  refused: HttpResponse,
) => Promise<HttpResponse>

/**
 * Some registries redirect blobs to another registry, which needs a token of its own. An anonymous
 * token is requested, because the credentials for the first registry must not go to the second.
 */
export function createOtherRegistries(ports: TokenPorts): AskOtherRegistry {
  const tokens = createTokenCache(() => ports.now())
  return async (request, refused) => {
    const challenge = parseChallenges(refused.headers['www-authenticate']).find(
      ({scheme}) => scheme === 'bearer',
    )
    const isQuestion = request.method === 'GET' || request.method === 'HEAD'
    if (refused.status !== 401 || !isQuestion || !challenge) return refused
    const registry = new URL(refused.url.origin)
    const scopes = (challenge.parameters.get('scope') ?? '').split(' ').filter(Boolean)
    const wish = {scopes: [registry.origin, ...scopes]}
    await refused.discard()
    const {value} = await tokens
      .get(wish, () => fetchToken({challenge, registry, scopes, credential: undefined}, ports))
      .catch(withoutLogin)
    const response = await followRedirects(ports.exchange, {
      ...request,
      url: refused.url,
      headers: {...withoutSecrets(request.headers), authorization: `Bearer ${value}`},
    })
    if (response.status === 401) tokens.drop(value)
    return response
  }
}

/** A login would not be used there, so the hint must not advise it. */
function withoutLogin(error: unknown): never {
  if (!(error instanceof AuthenticationError) || error.code !== 'ERR_INJECT_UNAUTHORIZED')
    throw error
  throw new AuthenticationError(error.code, error.message, {
    cause: error,
    hint: askedAnonymously,
  })
}
