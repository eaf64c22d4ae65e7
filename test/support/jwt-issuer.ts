import {createPrivateKey, randomUUID, sign} from 'node:crypto'
import {type Certificate, makeCertificate} from './certificate.js'
import {type FakeServer, type SeenRequest, startFakeServer} from './fake-server.js'

export interface JwtIssuerOptions {
  readonly username: string
  readonly password: string
  /** Taken in place of the password, too. */
  readonly identityToken?: string
  /** Seconds that tokens are good for; 300. */
  readonly life?: number
  /** Members of the answer that are other than usual, such as `issued_at`. */
  readonly answer?: Readonly<Record<string, unknown>>
}

export interface JwtIssuer {
  readonly server: FakeServer
  /** The settings of a registry that takes the tokens. */
  readonly auth: {realm: string; service: string; issuer: string; certificate: string}
  /** All that were given out. */
  readonly tokens: string[]
}

/** docker-registry takes tokens for this many seconds after their end. */
const leeway = 60

/**
 * A token server for the running test, whose tokens docker-registry checks.
 * https://distribution.github.io/distribution/spec/auth/jwt/
 */
export async function startJwtIssuer(options: JwtIssuerOptions): Promise<JwtIssuer> {
  const certificate = makeCertificate()
  const tokens: string[] = []
  const server = await startFakeServer((request) => {
    const form = new URLSearchParams(request.body.toString())
    if (!isKnown(request, form, options)) {
      return {status: 401, body: '{"errors": [{"code": "UNAUTHORIZED", "message": "wrong"}]}'}
    }
    const scopes =
      request.method === 'POST'
        ? (form.get('scope') ?? '').split(' ').filter(Boolean)
        : request.query.getAll('scope')
    const life = options.life ?? 300
    const token = makeToken(certificate, scopes, life)
    tokens.push(token)
    const name = request.method === 'POST' ? 'access_token' : 'token'
    return {body: JSON.stringify({[name]: token, expires_in: life, ...options.answer})}
  })
  const auth = {
    realm: `http://${server.address}/token`,
    service: 'registry',
    issuer: 'test',
    certificate: certificate.certificate,
  }
  return {server, auth, tokens}
}

function isKnown(
  {method, headers}: SeenRequest,
  form: URLSearchParams,
  {username, password, identityToken}: JwtIssuerOptions,
): boolean {
  if (method === 'POST') return form.get('refresh_token') === identityToken
  const basic = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  return headers.authorization === basic
}

function makeToken(
  {key, certificate}: Certificate,
  scopes: readonly string[],
  life: number,
): string {
  const now = Math.floor(Date.now() / 1000)
  const access = scopes.map((scope) => {
    const [type, name, actions = ''] = scope.split(':')
    return {type, name, actions: actions.split(',')}
  })
  const chain = [certificate.replaceAll(/-----[A-Z ]+-----|\s/g, '')]
  const encoded = [
    {typ: 'JWT', alg: 'ES256', x5c: chain},
    {
      iss: 'test',
      sub: 'tester',
      aud: 'registry',
      exp: now + life - leeway,
      nbf: now - 600,
      iat: now,
      jti: randomUUID(),
      access,
    },
  ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  const text = encoded.join('.')
  const signature = sign('sha256', Buffer.from(text), {
    key: createPrivateKey(key),
    dsaEncoding: 'ieee-p1363',
  })
  return `${text}.${signature.toString('base64url')}`
}
