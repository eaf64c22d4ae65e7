import type {ClientRequestArgs} from 'node:http'
import {Agent, type AgentOptions} from 'node:https'
import type {Duplex} from 'node:stream'
import type {SecureContext, TLSSocket} from 'node:tls'
import type {Proxy} from './proxy.js'
import {ProxyError} from './transport-error.js'
import {openTunnel} from './tunnel.js'

export interface TunnelSettings {
  readonly proxy: Proxy
  /**
   * Milliseconds for each of connecting to the proxy, its answer, and the TLS handshake with the
   * host behind it.
   */
  readonly timeout: number
  /** The trusted certificates for the proxy itself, if it speaks TLS. */
  readonly proxyContext: SecureContext | undefined
}

type Created = (error: Error | null, socket: Duplex) => void

/**
 * Kept-alive TLS connections to hosts behind a proxy. The handshake is with the host, whose
 * certificate is checked as without a proxy.
 */
export function createTunnelAgent(options: AgentOptions, settings: TunnelSettings): Agent {
  const ended = new AbortController()
  const agent = new Agent(options)
  const direct = agent.createConnection.bind(agent)
  const destroy = agent.destroy.bind(agent)

  async function connect(to: ClientRequestArgs): Promise<Duplex> {
    const {proxy, timeout, proxyContext} = settings
    const tunnel = await openTunnel({
      proxy,
      timeout,
      secureContext: proxyContext,
      host: to.host ?? '',
      port: Number(to.port ?? 443),
      signal: ended.signal,
    })
    const over = {...to, socket: tunnel} as ClientRequestArgs
    return shaken(direct(over) as TLSSocket, timeout, proxy)
  }

  return Object.assign(agent, {
    createConnection(to: ClientRequestArgs, created?: Created): undefined {
      connect(to).then(
        (socket) => created?.(null, socket),
        // Node does not pass on a socket with an error
        (error: unknown) => created?.(error as Error, undefined as unknown as Duplex),
      )
    },
    destroy(): void {
      ended.abort()
      destroy()
    },
  })
}

/** Resolves to the socket once its handshake is complete. */
function shaken(socket: TLSSocket, timeout: number, {name}: Proxy): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      const message = `no TLS handshake for ${timeout} ms through the proxy ${name}`
      socket.destroy(new ProxyError('ETIMEDOUT', message))
    }, timeout)
    const fail = (error: Error): void => {
      clearTimeout(timer)
      reject(error)
    }
    socket.once('error', fail)
    socket.once('secureConnect', () => {
      clearTimeout(timer)
      socket.off('error', fail)
      resolve(socket)
    })
  })
}
