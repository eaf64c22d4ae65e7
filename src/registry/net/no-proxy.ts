import {BlockList, isIP} from 'node:net'
import {reachOf} from './address.js'

/**
 * Whether a URL's host is excluded from the proxy by a `NO_PROXY` list: host names (which include
 * the names below them), `.suffix` and `*.suffix` (only the names below), addresses, networks
 * (`10.0.0.0/8`, `fd00::/8`), each but a network optionally with `:PORT`, or `*` for all. This
 * machine is always excluded. The rules are Go's, which docker, podman, skopeo and crane follow:
 * https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config
 */
export function createNoProxy(list: string): (url: URL) => boolean {
  const rules = list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .map(parseRule)
  return (url) => {
    if (reachOf(url.hostname) === 'loopback') return true
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '')
    const port = url.port || (url.protocol === 'https:' ? '443' : '80')
    return rules.some((matches) => matches(host, port))
  }
}

type Rule = (host: string, port: string) => boolean

function parseRule(entry: string): Rule {
  if (entry === '*') return () => true
  const network = /^([\d.]+|[\da-f:.]+)\/(\d{1,3})$/.exec(entry)
  if (network) return networkRule(network[1] ?? '', Number(network[2]))
  const {name, port} = splitPort(entry)
  const onPort = (found: string): boolean => port === undefined || port === found
  if (name === '') return () => false
  if (isIP(name) !== 0) {
    const same = listOf((list) => list.addAddress(name, familyOf(name)))
    return (host, found) => onPort(found) && same(host)
  }
  const bare = name.replace(/^\*?\./, '')
  const withItself = bare === name
  return (host, found) =>
    onPort(found) && ((withItself && host === bare) || host.endsWith(`.${bare}`))
}

function networkRule(address: string, prefix: number): Rule {
  const version = isIP(address)
  if (version === 0 || prefix > (version === 4 ? 32 : 128)) return () => false
  return listOf((list) => list.addSubnet(address, prefix, familyOf(address)))
}

/**
 * Compares addresses, not their spellings; a name never matches a network, because it is not looked
 * up.
 */
function listOf(fill: (list: BlockList) => void): (host: string) => boolean {
  const list = new BlockList()
  fill(list)
  return (host) => isIP(host) !== 0 && list.check(host, familyOf(host))
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4'
}

function splitPort(entry: string): {name: string; port: string | undefined} {
  const bracketed = /^\[([^\]]*)\](?::(\d+))?$/.exec(entry)
  if (bracketed) return {name: bracketed[1] ?? '', port: bracketed[2]}
  if (isIP(entry) === 6) return {name: entry, port: undefined}
  const found = /^([^:]*):(\d+)$/.exec(entry)
  return found ? {name: found[1] ?? '', port: found[2]} : {name: entry, port: undefined}
}
