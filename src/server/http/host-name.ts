import {isIP, isIPv6} from 'node:net'

/**
 * The host of a `Host` header or an option, without its port: in lower case, without a trailing
 * dot, an IPv6 address in its shortest form, without brackets and zone, an IPv4 address within IPv6
 * as IPv4. `undefined` for anything malformed. https://www.rfc-editor.org/rfc/rfc9110#section-7.2
 */
export function hostOf(authority: string): string | undefined {
  const [, bracketed, plain] =
    /^(?:\[([0-9a-f:.]+)(?:%[\w.~%-]+)?\]|([a-z0-9._-]+))(?::\d{0,5})?$/i.exec(authority) ?? []
  if (bracketed !== undefined) return isIPv6(bracketed) ? canonicalAddress(bracketed) : undefined
  return plain?.toLowerCase().replace(/\.$/, '') || undefined
}

/** One spelling for each address. Takes what a socket calls its own, too. */
export function canonicalAddress(address: string): string {
  const [bare = ''] = address.split('%')
  if (!isIPv6(bare)) return bare
  const {hostname} = new URL(`http://[${bare}]`)
  const shortest = hostname.slice(1, -1)
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(shortest) ?? []
  if (high === undefined || low === undefined) return shortest
  const bytes = [high, low].flatMap((part) => [parseInt(part, 16) >> 8, parseInt(part, 16) & 255])
  return bytes.join('.')
}

/**
 * Whether a host, as `hostOf` gives it, names this machine and no other: RFC 6761 keeps `localhost`
 * for that.
 */
export function isLoopbackHost(host: string): boolean {
  if (host === 'localhost' || host.endsWith('.localhost') || host === '::1') return true
  return isIP(host) === 4 && host.startsWith('127.')
}
