import {BlockList, isIP} from 'node:net'

/**
 * How far away a host is, judged by its name alone, without a lookup. A DNS name is `public` unless
 * it is a name of this machine.
 */
export type Reach = 'loopback' | 'link-local' | 'private' | 'public'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

const linkLocal = new BlockList()
linkLocal.addSubnet('169.254.0.0', 16, 'ipv4')
linkLocal.addSubnet('fe80::', 10, 'ipv6')
// "this host, this network": the address of a nearby machine, which no certificate can name
linkLocal.addSubnet('0.0.0.0', 8, 'ipv4')
linkLocal.addAddress('::', 'ipv6')
// multicast and broadcast: every machine on this network
linkLocal.addSubnet('224.0.0.0', 4, 'ipv4')
linkLocal.addAddress('255.255.255.255', 'ipv4')
linkLocal.addSubnet('ff00::', 8, 'ipv6')

const privateNetwork = new BlockList()
privateNetwork.addSubnet('10.0.0.0', 8, 'ipv4')
privateNetwork.addSubnet('100.64.0.0', 10, 'ipv4')
privateNetwork.addSubnet('172.16.0.0', 12, 'ipv4')
privateNetwork.addSubnet('192.168.0.0', 16, 'ipv4')
privateNetwork.addSubnet('fc00::', 7, 'ipv6')
privateNetwork.addSubnet('fec0::', 10, 'ipv6')

const lists = [
  ['loopback', loopback],
  ['link-local', linkLocal],
  ['private', privateNetwork],
] as const

/** `hostname` as the URL API gives it (lower case, numbers as dotted quads, IPv6 in brackets). */
export function reachOf(hostname: string): Reach {
  const address = hostname.replace(/^\[(.*)\]$/, '$1')
  const version = isIP(address)
  if (version === 0) return reachOfName(hostname)
  const family = version === 4 ? 'ipv4' : 'ipv6'
  const found = lists.find(([, list]) => list.check(address, family))?.[0]
  if (found) return found
  const embedded = version === 6 ? embeddedAddress(address) : undefined
  const reach = embedded === undefined ? 'public' : reachOf(embedded)
  // an embedded loopback address is not trusted like a direct one
  return reach === 'loopback' ? 'link-local' : reach
}

/**
 * The IPv4 address that is embedded in a NAT64 (64:ff9b::/96), 6to4 (2002::/16) or IPv4-compatible
 * (::/96) address.
 */
function embeddedAddress(address: string): string | undefined {
  const [head = '', tail] = new URL(`http://[${address.replace(/%.*/, '')}]/`).hostname
    .slice(1, -1)
    .split('::')
  const groups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => parseInt(group, 16))
  const first = groups(head)
  const last = groups(tail ?? '')
  const all = [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last]
  const start = all.slice(0, 6).join()
  const isLast = start === '0,0,0,0,0,0' || start === [0x64, 0xff9b, 0, 0, 0, 0].join()
  const found = isLast ? all.slice(6) : all[0] === 0x2002 ? all.slice(1, 3) : undefined
  return found?.flatMap((group) => [group >> 8, group & 0xff]).join('.')
}

function reachOfName(hostname: string): Reach {
  if (isLocalName(hostname)) return 'loopback'
  // names of this machine by convention only, so plain http is not allowed for them
  return /^(?:ip6-(?:localhost|loopback)|localhost[46]?(?:\.localdomain[46]?)?)\.?$/.test(hostname)
    ? 'link-local'
    : 'public'
}

/** https://www.rfc-editor.org/rfc/rfc6761#section-6.3 */
function isLocalName(hostname: string): boolean {
  return /^(?:.+\.)?localhost\.?$/.test(hostname)
}

/**
 * Whether the registry at `from` may refer to `to` (a token server, an upload host). A public
 * registry must not refer to machines on the local network; a registry on that network may refer to
 * its neighbours.
 */
export function mayReferTo(from: URL, to: URL): boolean {
  const reach = reachOf(to.hostname)
  if (reach === 'public' || from.hostname === to.hostname) return true
  return reach !== 'link-local' && reach === reachOf(from.hostname)
}
