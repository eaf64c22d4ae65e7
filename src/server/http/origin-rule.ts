import type {IncomingHttpHeaders} from 'node:http'
import {quoted} from '../../oci/quoted.js'
import {Refusal} from './refusal.js'

const reading = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Refuses (403) what a page of somebody else makes a browser send, unless it only reads: the
 * browser keeps the answer from such a page, but a write has been done by then. Registry clients
 * send neither header. https://fetch.spec.whatwg.org/#origin-header and
 * https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header
 */
export function refuseForeignWrite(method: string, headers: IncomingHttpHeaders): void {
  if (reading.has(method)) return
  const site = headers['sec-fetch-site']
  const isForeign = site !== undefined && site !== 'same-origin' && site !== 'none'
  const {origin} = headers
  if (!isForeign && (origin === undefined || isOwn(origin, headers.host))) return
  const from = origin === undefined ? 'another site' : quoted(origin)
  const hint = 'use a registry client; a gateway must pass on the Host header'
  throw new Refusal(403, 'DENIED', `a web page of ${from} must not write here: ${hint}`, {
    reason: 'origin',
  })
}

/** The scheme may be another one: a gateway may do TLS for us. */
function isOwn(origin: string, host: string | undefined): boolean {
  const own = host?.toLowerCase()
  const match = /^(https?):\/\/([^/?#@]+)$/i.exec(origin.toLowerCase())
  if (own === undefined || match === null) return false
  const [, scheme, authority] = match
  const port = scheme === 'https' ? ':443' : ':80'
  return [own, own.endsWith(port) ? own.slice(0, -port.length) : own].includes(authority ?? '')
}
