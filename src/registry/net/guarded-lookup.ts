import {NetworkError} from '../../errors.js'
import type {LookupFunction} from 'node:net'
import {type Reach, reachOf} from './address.js'
import {TransportError} from './transport-error.js'
import type {SendRequest} from './http.js'
import {displayUrl} from './endpoint.js'
import {lookup as systemLookup, type LookupAddress} from 'node:dns'

/** The code of a `TransportError` for a name with a forbidden address. */
const addressRefused = 'ERR_ADDRESS_REFUSED'

const forbidden: ReadonlySet<Reach> = new Set(['loopback', 'link-local'])
/**
 * An exchange for one registry that also checks the hosts that the registry refers to: token
 * servers, redirects, upload addresses, next pages. Their names must not resolve to this machine or
 * to a link-local address, unless the registry is on this machine itself. The registry's own name
 * comes from the user and is not checked. Throws `NetworkError` (`ERR_INJECT_ADDRESS_REFUSED`).
 */
export function guardedExchange(
  exchange: SendRequest,
  registry: URL,
  lookup: LookupFunction | undefined,
): SendRequest {
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
 * Looks names up as `lookup` does, and fails when one resolves to this machine or to a link-local
 * address. The check is made here because only a resolved name shows its address, and the checked
 * address must be the one that is connected to. Private networks are allowed, because companies use
 * such names for their own machines.
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
