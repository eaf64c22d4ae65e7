import {X509Certificate} from 'node:crypto'
import {request as httpsRequest} from 'node:https'
import {type DetailedPeerCertificate, TLSSocket} from 'node:tls'
import type {CallOptions} from '../../store/content-store.js'
import {displayUrl} from '../net/endpoint.js'
import {createProxyLookup} from '../net/proxy.js'
import {createRoutes, type NetworkRoute} from '../net/routes.js'
import {TransportError, transportError} from '../net/transport-error.js'
import {createTrust, type TrustOptions} from '../tls/trust.js'
import {findTrustSource} from './trust-source.js'

export interface TlsFacts {
  /** `TLSv1.3`. */
  readonly version: string
  /** The name of the issuer of the registry's certificate. */
  readonly issuer: string
  /** Milliseconds since the epoch. */
  readonly expires: number
  /**
   * Why the certificate is trusted, as `findTrustSource` describes it; `undefined` when it is not
   * checked, or the reason is unknown.
   */
  readonly trustedBy: string | undefined
}

export interface TlsProbeOptions extends TrustOptions {
  /** Do not check certificates. */
  readonly insecure?: boolean | undefined
}

/** Milliseconds for each of connecting and the answer. */
const patience = 10_000
/** A longer chain is not followed to its end. */
const longestChain = 10

/**
 * Makes one TLS connection to a registry, with the same proxies and certificates as other requests,
 * but without a login. Throws `TransportError` when it fails, or the certificate is not trusted.
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
    const factsOf = (socket: TLSSocket): TlsFacts => {
      const certificate = socket.getPeerCertificate(true)
      const peer = {url: registry, registry: name}
      return {
        version: socket.getProtocol() ?? 'TLS',
        issuer: nameOf(certificate),
        expires: Date.parse(certificate.valid_to),
        trustedBy: socket.authorized
          ? findTrustSource(chainOf(certificate), options, peer)
          : undefined,
      }
    }
    return await shake(new URL('/v2/', registry), routes.find(registry, name), factsOf, signal)
  } finally {
    routes.close()
  }
}

/**
 * Inspects the socket of a request that was answered: only then is the handshake complete in every
 * version of TLS, including client certificates.
 */
function shake<T>(
  url: URL,
  {agent}: NetworkRoute,
  look: (socket: TLSSocket) => T,
  signal: AbortSignal | undefined,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const doing = `TLS with ${displayUrl(url)}`
    const fail = (error: unknown): void => reject(transportError(error, doing))
    const request = httpsRequest(
      url,
      {agent: agent.https, timeout: patience, ...(signal && {signal})},
      (response) => {
        response.on('error', () => {})
        try {
          // a closed socket no longer has this information
          if (!(response.socket instanceof TLSSocket)) throw new Error('there is none')
          resolve(look(response.socket))
        } catch (error) {
          fail(error)
        }
        response.destroy()
      },
    )
    request.once('timeout', () => {
      const message = `${doing}: nothing came for ${patience} ms`
      request.destroy(new TransportError('ETIMEDOUT', message))
    })
    request.once('error', fail)
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
