import {NetworkError} from '../../errors.js'
import {mayReferTo} from './address.js'
import {displayRequest, displayUrl, parseUrl} from './endpoint.js'
import type {SendRequest, HttpRequest, HttpResponse} from './http.js'

const maxRedirects = 5
const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** The headers that must not reach another origin. */
const secretHeaders: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'proxy-authorization',
])

/**
 * Follows the redirects of a GET or HEAD. For other methods, follows only redirects that keep the
 * method (307 and 308) and stay at the same origin; any other 3xx answer is returned. Secrets are
 * dropped at the first change of scheme, host or port and stay dropped, even if a later hop leads
 * back. Throws `NetworkError` (`ERR_INJECT_REDIRECT_REFUSED`).
 */
export async function followRedirects(
  exchange: SendRequest,
  request: HttpRequest,
): Promise<HttpResponse> {
  let current = request
  for (let hops = 0; ; hops++) {
    const response = await exchange(current)
    if (!isFollowed(current, response)) return response
    await response.discard()
    if (hops === maxRedirects) throw refused(request, `more than ${maxRedirects} redirects`)
    const url = redirectTarget(request, response.headers.location, current.url)
    const headers =
      url.origin === current.url.origin ? current.headers : withoutSecrets(current.headers)
    current = {...current, url, ...(headers && {headers})}
  }
}

function isFollowed({method, url}: HttpRequest, {status, headers}: HttpResponse): boolean {
  if (method === 'GET' || method === 'HEAD') return redirectStatuses.has(status)
  if (status !== 307 && status !== 308) return false
  // a body goes only to the chosen host
  return parseUrl(headers.location ?? '//', url)?.origin === url.origin
}

function redirectTarget(request: HttpRequest, location: string | undefined, from: URL): URL {
  if (!location) throw refused(request, 'redirected without saying where to')
  const url = parseUrl(location, from)
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw refused(request, 'redirected to something that is not an http address')
  }
  if (url.username || url.password) {
    throw refused(request, 'redirected to an address that carries a user or a password')
  }
  if (from.protocol === 'https:' && url.protocol === 'http:') {
    throw refused(request, `redirected from https to plain http (${displayUrl(url)})`)
  }
  if (!mayReferTo(from, url)) {
    throw refused(
      request,
      `redirected to an address of this machine or network (${displayUrl(url)})`,
    )
  }
  return url
}

/** The headers of a request that another origin may get. */
export function withoutSecrets(headers: HttpRequest['headers']): HttpRequest['headers'] {
  return Object.fromEntries(
    Object.entries(headers ?? {}).filter(([name]) => !secretHeaders.has(name)),
  )
}

function refused(request: HttpRequest, why: string): NetworkError {
  return new NetworkError('ERR_INJECT_REDIRECT_REFUSED', `${displayRequest(request)}: ${why}`)
}
