import {X509Certificate} from 'node:crypto'
import {type ClientRequest, type IncomingMessage} from 'node:http'
import {request as httpsRequest} from 'node:https'
import {type DetailedPeerCertificate, TLSSocket} from 'node:tls'
import type {CallOptions} from '../store/content-store.js'
import {displayUrl} from './endpoint.js'
import {createProxyLookup} from './proxy.js'
import {createRoutes, type Route} from './routes.js'
import {TransportError, transportError} from './transport-error.js'
import {createTrust, type TrustOptions} from './trust.js'
import {findTrustSource} from './trust-source.js'

export interface TlsFacts {
  /** `TLSv1.3`. */
  readonly version: string
  /** Who issued the registry's certificate, as it names itself. */
  readonly issuer: string
  /** Milliseconds since the epoch. */
  readonly expires: number
  /** What makes the certificate trusted, as `findTrustSource` says it; `undefined` when it is not checked, or nobody knows. */
  readonly trustedBy: string | undefined
}

export interface TlsProbeOptions extends TrustOptions {
  /** Certificates are not checked. */
  readonly insecure?: boolean | undefined
}

/** Milliseconds for each of connecting and the answer. */
const patience = 10_000
/** Longer chains are none. */
const longestChain = 10

/**
 * One TLS connection to a registry, over the proxies and with the certificates that all requests use; nobody logs in. Throws
 * `TransportError` when there is none, or the certificate is not trusted.
 */
export async function probeTls(
  options: TlsProbeOptions,
  name: string,
  registry: URL,
  {signal}: CallOptions,
): Promise<TlsFacts> {
  const routes = createRoutes({
    proxyFor: createProxyLookup(options.env),
    trustFor: createTrust(options),
    insecure: options.insecure ?? false,
    connect: patience,
  })
  try {
    const socket = await shake(new URL('/v2/', registry), routes.find(registry, name), signal)
    const certificate = socket.getPeerCertificate(true)
    const chain = chainOf(certificate)
    return {
      version: socket.getProtocol() ?? 'TLS',
      issuer: nameOf(certificate),
      expires: Date.parse(certificate.valid_to),
      trustedBy: socket.authorized
        ? findTrustSource(chain, options, {url: registry, registry: name})
        : undefined,
    }
  } finally {
    routes.close()
  }
}

/** The socket of a request that was answered: only then is the handshake over in every version of TLS, client certificates included. */
function shake(url: URL, {agent}: Route, signal: AbortSignal | undefined): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const doing = `TLS with ${displayUrl(url)}`
    const request: ClientRequest = httpsRequest(
      url,
      {agent: agent.https, timeout: patience, ...(signal && {signal})},
      (response: IncomingMessage) => {
        const {socket} = response
        response.on('error', () => {}).destroy()
        if (socket instanceof TLSSocket) resolve(socket)
        else reject(new TransportError('ERR_UNKNOWN', `${doing}: there is none`))
      },
    )
    request.once('timeout', () => {
      request.destroy(new TransportError('ETIMEDOUT', `${doing}: nothing came for ${patience} ms`))
    })
    request.once('error', (error) => reject(transportError(error, doing)))
    request.end()
  })
}

/** From the registry's own certificate to the authority at its end, as far as it is known. */
function chainOf(leaf: DetailedPeerCertificate): X509Certificate[] {
  const chain: X509Certificate[] = []
  let current: DetailedPeerCertificate | undefined = leaf
  while (current?.raw && chain.length < longestChain) {
    chain.push(new X509Certificate(current.raw))
    const next: DetailedPeerCertificate = current.issuerCertificate
    current = next === current ? undefined : next
  }
  return chain
}

function nameOf({issuer}: DetailedPeerCertificate): string {
  const {CN, O} = issuer as {CN?: string; O?: string}
  return [O, CN].filter((part) => part !== undefined).join(', ') || 'an issuer without a name'
}
