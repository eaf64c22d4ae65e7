import {IntegrityError} from '../../errors.js'
import {displayUrl, parseUrl} from '../net/endpoint.js'
import type {HttpResponse} from '../net/http.js'
import {parseLinks} from './pages.js'

/**
 * The address of the page after the one at `from`; `undefined`: it was the last page. A link to
 * another host is never followed. A link that cannot be followed is an error, not the end of the
 * list, because the rest of the list is unknown. Throws `IntegrityError`
 * (`ERR_INJECT_REGISTRY_ANSWER_INVALID`). `seen`: the addresses of this list so far, to which the
 * next one is added.
 */
export function nextPage(
  {headers}: Pick<HttpResponse, 'headers'>,
  from: URL,
  {what, seen}: {readonly what: string; readonly seen: Set<string>},
): URL | undefined {
  seen.add(from.href)
  const header = [headers['link'] ?? ''].flat().join(',')
  const links = parseLinks(header)
  const target = links.find(({relations}) => relations.includes('next'))?.target
  if (target === undefined) {
    if (links.length === 0 && /\brel\s*=\s*"?next\b/i.test(header))
      throw lost(what, 'cannot be read')
    return undefined
  }
  const url = parseUrl(target, from)
  if (!url) throw lost(what, 'is not an address')
  // behind a proxy that terminates TLS, a registry may call itself http
  if (from.protocol === 'https:' && url.hostname === from.hostname) url.protocol = 'https:'
  if (url.origin !== from.origin) throw lost(what, `is at another host (${displayUrl(url)})`)
  if (seen.has(url.href)) throw lost(what, 'is one that was read already')
  seen.add(url.href)
  return url
}

/** The error for a later page that is missing or invalid: part of the list is missing. */
export function missingPage(what: string, why: string): IntegrityError {
  return incomplete(`${what} is a further page and ${why}`)
}

function lost(what: string, why: string): IntegrityError {
  return incomplete(`${what} goes on, but the link to its next page ${why}`)
}

function incomplete(message: string): IntegrityError {
  return new IntegrityError('ERR_INJECT_REGISTRY_ANSWER_INVALID', message, {
    hint: 'the list would not be complete: ask the operator of the registry',
  })
}
