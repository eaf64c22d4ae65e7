import {AuthenticationError} from '../../errors.js'
import {quoted} from '../../oci/quoted.js'
import {mayReferTo} from '../net/address.js'
import {displayUrl, parseUrl} from '../net/endpoint.js'

/**
 * The token server's address, from the `realm` of a challenge that the registry at `from` sent; it
 * may be relative. Credentials are sent there, so it is refused (`AuthenticationError`,
 * `ERR_INJECT_REALM_REFUSED`) when it is not an http address, contains a user, would send an https
 * registry's credentials over plain http, or names a machine on the local network that a remote
 * registry must not name.
 */
export function resolveRealm(realm: string | undefined, from: URL): URL {
  if (!realm) throw realmRefused(from, 'names no realm')
  const url = parseUrl(realm, from)
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw realmRefused(
      from,
      `names a realm that is not an http address: ${quoted(start(realm), 80)}`,
    )
  }
  if (url.username || url.password) {
    throw realmRefused(from, 'names a realm with a user or a password')
  }
  if (from.protocol === 'https:' && url.protocol === 'http:') {
    throw realmRefused(from, `names a realm on plain http: ${displayUrl(url)}`)
  }
  if (!mayReferTo(from, url)) {
    throw realmRefused(from, `names a realm on a local or private address: ${displayUrl(url)}`)
  }
  return url
}

/** `why` continues "the registry at … asks for a token but". */
export function realmRefused(from: URL, why: string): AuthenticationError {
  return new AuthenticationError(
    'ERR_INJECT_REALM_REFUSED',
    `the registry at ${displayUrl(from)} asks for a token but ${why}`,
    {hint: 'no credentials were sent there; ask the operator of the registry'},
  )
}

/** A text that does not parse may contain a password, so little of it is shown. */
function start(realm: string): string {
  return realm.includes('@') ? '…' : realm.replace(/\?[^]*/, '')
}
