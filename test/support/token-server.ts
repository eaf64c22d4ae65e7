import {registryError} from './fake-registry.js'
import type {Answer, Handler, SeenRequest} from './fake-server.js'

export interface TokenSettings {
  /** `user:password`; anonymous callers get tokens where it is absent. */
  readonly login?: string
  /** An identity token that is taken, too. */
  readonly identityToken?: string
  /** Members of the answer besides the token; `expires_in` for one. */
  readonly answer?: Readonly<Record<string, unknown>>
}

export interface TokenService {
  /** Answers what comes to the realm. */
  readonly handler: Handler
  /**
   * Lets requests pass that carry a token good enough for them, and gives the challenge to others.
   */
  guard(request: SeenRequest): Answer | undefined
  /** Takes back all tokens. */
  revoke(): void
}

/**
 * A token server and the registry's part of the Bearer scheme. A token is good for the scopes that
 * it was given for.
 */
export function createTokenService(
  realm: () => string,
  settings: TokenSettings = {},
): TokenService {
  const given = new Map<string, string[]>()
  let serial = 0

  return {
    handler(request) {
      const form =
        request.method === 'POST' ? new URLSearchParams(request.body.toString()) : undefined
      const basic = `Basic ${Buffer.from(settings.login ?? '').toString('base64')}`
      const known = form
        ? form.get('refresh_token') === settings.identityToken
        : settings.login === undefined || request.headers.authorization === basic
      if (!known) return registryError(401, 'UNAUTHORIZED')
      const scopes = form ? (form.get('scope') ?? '').split(' ') : request.query.getAll('scope')
      const token = `token-canary-${++serial}`
      given.set(token, scopes)
      return {body: JSON.stringify({token, ...settings.answer})}
    },

    guard({method, path, headers}) {
      const name = /^\/v2\/(.+?)\/(?:blobs|manifests|tags)\//.exec(path)?.[1]
      if (name === undefined) return undefined
      const action = method === 'GET' || method === 'HEAD' ? 'pull' : 'push'
      const scopes = given.get((headers.authorization ?? '').replace('Bearer ', ''))
      const allowed = scopes?.some(
        (scope) =>
          scope.startsWith(`repository:${name}:`) &&
          scope
            .slice(scope.lastIndexOf(':') + 1)
            .split(',')
            .includes(action),
      )
      if (allowed) return undefined
      const wanted = `repository:${name}:${action === 'pull' ? 'pull' : 'pull,push'}`
      const error = scopes ? ',error="insufficient_scope"' : ''
      return {
        ...registryError(401, 'UNAUTHORIZED'),
        headers: {
          'www-authenticate': `Bearer realm="${realm()}",service="fake",scope="${wanted}"${error}`,
        },
      }
    },

    revoke: () => given.clear(),
  }
}
