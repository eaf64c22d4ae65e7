import {BlockList, isIP} from 'node:net'

/** How far away a host is, judged by its name alone: nothing is looked up. A DNS name is `public` unless it is a name of this machine. */
export type Reach = 'loopback' | 'link-local' | 'private' | 'public'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

const linkLocal = new BlockList()
linkLocal.addSubnet('169.254.0.0', 16, 'ipv4')
linkLocal.addSubnet('fe80::', 10, 'ipv6')
// "this host, this network": whoever names it means a machine beside us, and no certificate does
linkLocal.addSubnet('0.0.0.0', 8, 'ipv4')
linkLocal.addAddress('::', 'ipv6')

const privateNetwork = new BlockList()
privateNetwork.addSubnet('10.0.0.0', 8, 'ipv4')
privateNetwork.addSubnet('100.64.0.0', 10, 'ipv4')
privateNetwork.addSubnet('172.16.0.0', 12, 'ipv4')
privateNetwork.addSubnet('192.168.0.0', 16, 'ipv4')
privateNetwork.addSubnet('fc00::', 7, 'ipv6')

const lists = [
  ['loopback', loopback],
  ['link-local', linkLocal],
  ['private', privateNetwork],
] as const

/** `hostname` as the URL API gives it (lower case, numbers as dotted quads, IPv6 in brackets). */
export function reachOf(hostname: string): Reach {
  const address = hostname.replace(/^\[(.*)\]$/, '$1')
  const version = isIP(address)
  if (version === 0) return isLocalName(hostname) ? 'loopback' : 'public'
  const family = version === 4 ? 'ipv4' : 'ipv6'
  return lists.find(([, list]) => list.check(address, family))?.[0] ?? 'public'
}

/** https://www.rfc-editor.org/rfc/rfc6761#section-6.3 */
function isLocalName(hostname: string): boolean {
  return /^(?:.+\.)?localhost\.?$/.test(hostname)
}

/**
 * Whether the registry at `from` may send us to `to` (a token server, an upload host). A public registry has no business with
 * machines beside us; one that is beside us itself may name its neighbours.
 */
export function mayReferTo(from: URL, to: URL): boolean {
  const reach = reachOf(to.hostname)
  if (reach === 'public' || from.hostname === to.hostname) return true
  return reach !== 'link-local' && reach === reachOf(from.hostname)
}
