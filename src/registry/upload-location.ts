import {NetworkError} from '../errors.js'
import type {Digest} from '../oci/digest.js'
import {mayReferTo} from './address.js'
import {displayUrl, parseUrl} from './endpoint.js'

/**
 * Where to go on with an upload, from the `Location` of an answer to a request to `from`; relative, a path or a whole address. Behind a proxy
 * that ends TLS a registry may name itself with http: https is kept. Another host is followed (without credentials, see
 * authorization.ts), but not over plain http where the registry has https, and not to an address that only someone beside us should name.
 * Throws `NetworkError` (`ERR_INJECT_LOCATION_REFUSED`).
 */
export function resolveLocation(location: string | undefined, from: URL): URL {
  if (!location) throw refused(from, 'without saying where to go on')
  const url = parseUrl(location, from)
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw refused(from, 'with a place to go on that is no http address')
  }
  if (url.username || url.password) {
    throw refused(from, 'with a place to go on that carries a user or a password')
  }
  if (from.protocol === 'https:' && url.protocol === 'http:') {
    if (url.hostname !== from.hostname) {
      throw refused(from, `with a place to go on over plain http (${displayUrl(url)})`)
    }
    url.protocol = 'https:'
    // such a proxy's port is not the registry's
    if (url.port === '' || url.port === '80') url.port = from.port
  }
  if (!mayReferTo(from, url)) {
    throw refused(from, `with a place to go on at a local or private address (${displayUrl(url)})`)
  }
  url.hash = ''
  return url
}

/** The address that commits the upload. The query that is there is kept to the letter: it may be signed. */
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
