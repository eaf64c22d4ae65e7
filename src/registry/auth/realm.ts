import type {LookupFunction} from 'net'
import {lookup as systemLookup, type LookupAddress} from 'dns'
import {AuthenticationError, NetworkError} from '../../errors.js'
import {quoted} from '../../oci/quoted.js'
import {mayReferTo, type Reach, reachOf} from '../net/address.js'
import {displayUrl, parseUrl} from '../net/endpoint.js'
import {TransportError} from '../net/transport-error.js'
import type {Exchange} from '../net/http.js'

/**
 * Where to get a token, from the `realm` of a challenge that the registry at `from` sent; it may be relative. Our credentials go there, so it
 * is refused (`AuthenticationError`, `ERR_INJECT_REALM_REFUSED`) when it is no http address, carries a user, would take an https registry's
 * credentials over plain http, or names a machine that only someone beside us should name.
 */
export function resolveRealm(realm: string | undefined, from: URL): URL {
  if (!realm) throw realmRefused(from, 'names no realm')
  const url = parseUrl(realm, from)
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw realmRefused(from, `names a realm that is no http address: ${quoted(start(realm), 80)}`)
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

/** `why` goes on from "the registry at … asks for a token but". */
export function realmRefused(from: URL, why: string): AuthenticationError {
  return new AuthenticationError(
    'ERR_INJECT_REALM_REFUSED',
    `the registry at ${displayUrl(from)} asks for a token but ${why}`,
    {hint: 'no credentials were sent there; ask the operator of the registry'},
  )
}

/** Userinfo may stand in what could not be parsed, so little of it is shown. */
function start(realm: string): string {
  return realm.includes('@') ? '…' : realm.replace(/\?[^]*/, '')
}
/** The code of a `TransportError` for a name that leads to an address where it must not lead. */
const addressRefused = 'ERR_ADDRESS_REFUSED'
const forbidden: ReadonlySet<Reach> = new Set(['loopback', 'link-local'])
/**
 * An exchange for one registry that also guards what the registry names: token servers, redirects, places of uploads, next pages. Their names may not lead to this machine or to a link-local
 * address, unless the registry is on this machine itself; its own name is the user's, and looked up as usual. Throws `NetworkError` (`ERR_INJECT_ADDRESS_REFUSED`).
 */
export function guardedExchange(
  exchange: Exchange,
  registry: URL,
  lookup: LookupFunction | undefined,
): Exchange {
  const guarded = guardedLookup(lookup)
  const isLocal = reachOf(registry.hostname) === 'loopback'
  return async (request) => {
    const isOwn = isLocal || request.url.hostname === registry.hostname
    try {
      return await exchange({...request, lookup: isOwn ? lookup : guarded})
    } catch (error) {
      if (!(error instanceof TransportError) || error.code !== addressRefused) throw error
      throw new NetworkError(
        'ERR_INJECT_ADDRESS_REFUSED',
        `the registry at ${displayUrl(registry)} names ${displayUrl(request.url)}, which leads to an address of this machine`,
        {hint: 'nothing was sent there; ask the operator of the registry'},
      )
    }
  }
}
/**
 * Looks names up as `lookup` does, and fails when one leads to this machine or to a link-local address: what a name is worth is seen only
 * when it is resolved, and the address that was checked must be the one that is connected to. Private networks are no reason to fail: companies
 * name the machines in theirs.
 */
function guardedLookup(lookup: LookupFunction = systemLookup): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, options, (error, address, family) => {
      if (error) {
        callback(error, address, family)
        return
      }
      const addresses: readonly LookupAddress[] =
        typeof address === 'string' ? [{address, family: family ?? 4}] : address
      const bad = addresses.some((each) => forbidden.has(reachOf(each.address)))
      if (bad) callback(new TransportError(addressRefused, `${hostname} is this machine`), [])
      else callback(null, address, family)
    })
  }
}
