import {
  Agent,
  type ClientRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request as httpRequest,
  type RequestOptions,
} from 'node:http'
import {Agent as TlsAgent, request as httpsRequest} from 'node:https'
import {isIP} from 'node:net'
import type {SecureContext} from 'node:tls'
import type {Proxy, ProxyLookup} from './proxy.js'
import type {TrustLookup} from '../tls/trust.js'
import {createTunnelAgent} from './tunnel-agent.js'

/** How to reach one host. */
export interface NetworkRoute {
  /** By the protocol of the connection, which may be the one to a proxy. */
  readonly agent: {readonly http?: Agent; readonly https?: TlsAgent}
  /** Sends a request in the form for a proxy; `undefined`: Node's own function. */
  readonly request: RequestFunction | undefined
  /** A proxy for plain http, which may answer in the host's place. */
  readonly proxy: Proxy | undefined
  /** There is no proxy of any kind, so names are looked up here. */
  readonly direct: boolean
}

type RequestFunction = (
  url: URL,
  options: RequestOptions,
  callback?: (response: IncomingMessage) => void,
) => ClientRequest

export interface RouteSettings {
  readonly proxyFor: ProxyLookup
  readonly trustFor: TrustLookup
  /** Do not check certificates. */
  readonly insecure: boolean
  /** Milliseconds, see `HttpTimeouts`. */
  readonly connect: number
}

/** The routes to hosts, each with its kept-alive connections and TLS sessions. */
export interface Routes {
  /** `registry`: its name in references, when `url` is that registry's; see `Peer`. */
  find(url: URL, registry: string | undefined): NetworkRoute
  /** Closes all connections; later ones are new. */
  close(): void
}

// idle connections are closed before the usual servers close them, so that few requests meet a
// connection that is closing
const keepAlive = {keepAlive: true, timeout: 15_000}

export function createRoutes(settings: RouteSettings): Routes {
  const routes = new Map<string, NetworkRoute>()
  return {
    find(url, registry) {
      const key = `${url.origin} ${registry ?? ''}`
      const route = routes.get(key) ?? createRoute(url, registry, settings)
      routes.set(key, route)
      return route
    },
    close() {
      for (const {agent} of routes.values()) {
        agent.http?.destroy()
        agent.https?.destroy()
      }
      routes.clear()
    },
  }
}

function createRoute(
  url: URL,
  registry: string | undefined,
  settings: RouteSettings,
): NetworkRoute {
  const proxy = settings.proxyFor(url)
  const context = (): SecureContext | undefined =>
    proxy?.url.protocol === 'https:'
      ? settings.trustFor({url: proxy.url, registry: undefined})
      : undefined
  if (url.protocol === 'http:') {
    if (!proxy) {
      return {agent: {http: new Agent(keepAlive)}, request: undefined, proxy, direct: true}
    }
    const proxyContext = context()
    const agent =
      proxy.url.protocol === 'https:'
        ? {https: new TlsAgent({...keepAlive, ...(proxyContext && {secureContext: proxyContext})})}
        : {http: new Agent(keepAlive)}
    return {agent, request: absoluteForm(proxy, agent), proxy, direct: false}
  }
  const secureContext = settings.trustFor({url, registry})
  const options = {
    ...keepAlive,
    ...(secureContext && {secureContext}),
    ...(settings.insecure && {rejectUnauthorized: false}),
  }
  const agent = proxy
    ? createTunnelAgent(options, {proxy, timeout: settings.connect, proxyContext: context()})
    : new TlsAgent(options)
  // what comes through the tunnel comes from the host
  return {agent: {https: agent}, request: undefined, proxy: undefined, direct: !proxy}
}

/** https://www.rfc-editor.org/rfc/rfc9112#name-absolute-form */
function absoluteForm(proxy: Proxy, agent: NetworkRoute['agent']): RequestFunction {
  const {protocol, port} = proxy.url
  const hostname = proxy.url.hostname.replace(/^\[(.*)\]$/, '$1')
  return (url, options, callback) =>
    (protocol === 'https:' ? httpsRequest : httpRequest)(
      {
        ...options,
        agent: agent.https ?? agent.http,
        protocol,
        hostname,
        // otherwise the certificate would be compared with the Host header
        servername: isIP(hostname) === 0 ? hostname : '',
        port: port || (protocol === 'https:' ? 443 : 80),
        path: `${url.origin}${url.pathname}${url.search}`,
        headers: {
          // got passes an object
          ...(options.headers as OutgoingHttpHeaders),
          host: url.host,
          ...(proxy.authorization && {'proxy-authorization': proxy.authorization}),
        },
      },
      callback,
    )
}
