import {request as httpRequest} from 'node:http'
import {request as httpsRequest} from 'node:https'
import {isIP, isIPv6} from 'node:net'
import type {Duplex} from 'node:stream'
import type {SecureContext} from 'node:tls'
import type {Proxy} from './proxy.js'
import {ProxyError, proxyRefusal} from './transport-error.js'

export interface TunnelOptions {
  readonly proxy: Proxy
  /** A name or an address without brackets. */
  readonly host: string
  readonly port: number
  /** Milliseconds for connecting to the proxy, and again for its answer. */
  readonly timeout: number
  /** The trusted certificates for a proxy that speaks TLS. */
  readonly secureContext: SecureContext | undefined
  readonly signal: AbortSignal
}

/**
 * Opens a tunnel through a proxy to `host:port`. TLS is spoken with that host, so the proxy sees
 * only its name. Throws `ProxyError`.
 * https://www.rfc-editor.org/rfc/rfc9110#name-connect
 */
export function openTunnel(options: TunnelOptions): Promise<Duplex> {
  const {proxy, host, port, timeout, secureContext, signal} = options
  const {protocol, hostname, port: proxyPort} = proxy.url
  const proxyHost = hostname.replace(/^\[(.*)\]$/, '$1')
  const target = `${isIPv6(host) ? `[${host}]` : host}:${port}`
  return new Promise((resolve, reject) => {
    const request = (protocol === 'https:' ? httpsRequest : httpRequest)({
      hostname: proxyHost,
      // otherwise the certificate would be compared with the Host header
      servername: isIP(proxyHost) === 0 ? proxyHost : '',
      port: proxyPort || (protocol === 'https:' ? 443 : 80),
      method: 'CONNECT',
      path: target,
      headers: {
        host: target,
        ...(proxy.authorization && {'proxy-authorization': proxy.authorization}),
      },
      agent: false,
      maxHeaderSize: 16 * 1024,
      signal,
      ...(secureContext && {secureContext}),
    })
    const startTimer = (what: string): NodeJS.Timeout =>
      setTimeout(() => {
        const message = `the proxy ${proxy.name} ${what} for ${timeout} ms`
        request.destroy(new ProxyError('ETIMEDOUT', message))
      }, timeout)
    let timer = startTimer('was not reached')
    request.once('socket', (socket) => {
      socket.once(protocol === 'https:' ? 'secureConnect' : 'connect', () => {
        clearTimeout(timer)
        timer = startTimer(`opened no way to ${target}`)
      })
    })
    const fail = (error: Error): void => {
      clearTimeout(timer)
      reject(error instanceof ProxyError ? error : onTheWay(error, proxy))
    }
    request.once('error', fail)
    // a proxy may refuse with an ordinary answer, as to a request for a page
    request.once('response', (response) => {
      response.destroy()
      fail(proxyRefusal(proxy.name, response.statusCode ?? 0, `connect to ${target}`))
    })
    request.once('connect', (response, socket, head) => {
      clearTimeout(timer)
      const status = response.statusCode ?? 0
      if (status < 200 || status > 299) {
        socket.destroy()
        fail(proxyRefusal(proxy.name, status, `connect to ${target}`))
        return
      }
      if (head.length > 0) socket.unshift(head)
      resolve(socket)
    })
    request.end()
  })
}

function onTheWay(error: Error, {name}: Proxy): ProxyError {
  const inner = error instanceof AggregateError ? (error.errors[0] as Error) : error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'ERR_UNKNOWN'
  return new ProxyError(code, `through the proxy ${name}: ${inner.message}`)
}
