import {lookup as systemLookup, type LookupAddress} from 'node:dns'
import type {LookupFunction} from 'node:net'
import {type Reach, reachOf} from './address.js'
import {TransportError} from './transport-error.js'

/** The code of a `TransportError` for a name that leads to an address where it must not lead. */
export const addressRefused = 'ERR_ADDRESS_REFUSED'

const forbidden: ReadonlySet<Reach> = new Set(['loopback', 'link-local'])

/**
 * Looks names up as `lookup` does, and fails when one leads to this machine or to a link-local address: what a name is worth is seen only
 * when it is resolved, and the address that was checked must be the one that is connected to. Private networks are no reason to fail: companies
 * name the machines in theirs.
 */
export function guardedLookup(lookup: LookupFunction = systemLookup): LookupFunction {
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
