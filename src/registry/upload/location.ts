import {NetworkError} from '../../errors.js'
import type {Digest} from '../../oci/digest.js'
import {mayReferTo} from '../net/address.js'
import {displayUrl, parseUrl} from '../net/endpoint.js'

/**
 * The next address of an upload, from the `Location` of an answer to a request to `from`: relative,
 * a path, a host and a path without a scheme, or an absolute address. Behind a proxy that
 * terminates TLS, a registry may call itself http: https is kept, and `onDowngrade` is called.
 * Another host is allowed (without credentials, see authorization.ts), but not over plain http if
 * the registry has https, and not at an address on the local network that a remote registry must
 * not name. Throws `NetworkError` (`ERR_INJECT_LOCATION_REFUSED`).
 */
export function resolveLocation(
  location: string | undefined,
  from: URL,
  onDowngrade?: () => void,
): URL {
  if (!location) throw refused(from, 'without saying where to go on')
  const url = parseUrl(isBareHost(location, from) ? `//${location}` : location, from)
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw refused(from, 'with a place to go on that is not an http address')
  }
  if (url.username || url.password) {
    throw refused(from, 'with a place to go on that carries a user or a password')
  }
  if (from.protocol === 'https:' && url.protocol === 'http:') {
    if (url.hostname !== from.hostname) {
      throw refused(from, `with a place to go on over plain http (${displayUrl(url)})`)
    }
    url.protocol = 'https:'
    // such a proxy has another port than the registry
    if (url.port === '' || url.port === '80') url.port = from.port
    onDowngrade?.()
  }
  if (!mayReferTo(from, url)) {
    throw refused(from, `with a place to go on at a local or private address (${displayUrl(url)})`)
  }
  url.hash = ''
  return url
}

/**
 * Whether a `Location` starts with a host that lacks its scheme: the registry's own, or anything
 * with a dot or a port before the API's root. Otherwise the first would be parsed as a path, and
 * `localhost:5000/…` as an address with the scheme `localhost`.
 */
function isBareHost(location: string, from: URL): boolean {
  const host = /^[^/?#]*/.exec(location)?.[0].toLowerCase() ?? ''
  if (host === from.host || (host === from.hostname && host !== '')) return true
  return (
    /^[a-z0-9.-]+(?::\d{1,5})?$/.test(host) &&
    /[.:]/.test(host) &&
    location.startsWith('/v2/', host.length)
  )
}

/**
 * The address that commits the upload. The existing query is kept exactly, because it may be
 * signed.
 */
export function commitUrl(location: URL, digest: Digest): URL {
  const url = new URL(location)
  if (url.searchParams.has('digest')) url.searchParams.set('digest', digest)
  else url.search = `${url.search ? `${url.search}&` : '?'}digest=${encodeURIComponent(digest)}`
  return url
}

function refused(from: URL, why: string): NetworkError {
  return new NetworkError(
    'ERR_INJECT_LOCATION_REFUSED',
    `the registry at ${displayUrl(from)} answered an upload ${why}`,
  )
}
