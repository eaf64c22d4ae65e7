import type {IncomingMessage} from 'node:http'
import {isIP} from 'node:net'
import {quoted} from '../../oci/quoted.js'
import type {Access} from './access.js'
import {canonicalAddress, hostOf, isLoopbackHost} from './host-name.js'
import {Refusal} from './refusal.js'

export interface HostRuleOptions {
  readonly access: Access
  /** Further names of this registry. */
  readonly allowHosts: readonly string[]
  /** What it was told to listen on. */
  readonly listening: () => string | undefined
}

export type HostRule = (request: IncomingMessage) => void

/**
 * Refuses (403) requests for a host that is not ours, where somebody without a password may do
 * something: a web page under a name that its owner lets stand for our address is, to a browser, of
 * the same origin as we are (DNS rebinding). With passwords beyond loopback there is no such rule,
 * unless names are given.
 */
export function createHostRule({access, allowHosts, listening}: HostRuleOptions): HostRule {
  const names = new Set(allowHosts.map(hostOf))
  const isOpen = access.challenge === undefined
  const isReadable = access.allows(undefined, 'pull')

  return ({headers, socket}) => {
    const local = canonicalAddress(socket.localAddress ?? '')
    const applies = isOpen || names.size > 0 || (isReadable && isLoopbackHost(local))
    // HTTP/1.0 has none; every browser sends one
    if (!applies || headers.host === undefined) return
    const host = hostOf(headers.host)
    if (host !== undefined && (isLoopbackHost(host) || host === local || names.has(host))) return
    const given = listening()
    // an address cannot be made to stand for another one, and only others know those of a gateway
    // before us
    if (host !== undefined && isWildcard(given) && isIP(host) !== 0) return
    if (host !== undefined && given !== undefined && host === hostOf(bracketed(given))) return
    const message = `this registry is not ${quoted(headers.host)}`
    throw new Refusal(403, 'DENIED', `${message}: --allow-host adds a name`, {
      reason: 'host',
    })
  }
}

function isWildcard(given: string | undefined): boolean {
  return given === '0.0.0.0' || given === '::'
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
