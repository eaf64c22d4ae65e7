import {reachOf} from './address.js'

/** Docker Hub's API has another host than its references. */
const hosts: Readonly<Record<string, string>> = {'docker.io': 'registry-1.docker.io'}

/**
 * The address of a registry's API. Default of `plainHttp`: https, except on loopback, where test
 * registries run without a certificate.
 */
export function registryUrl(registry: string, plainHttp?: boolean): URL {
  const host = (Object.hasOwn(hosts, registry) ? hosts[registry] : undefined) ?? registry
  const url = new URL(`https://${host}`)
  const plain = plainHttp ?? reachOf(url.hostname) === 'loopback'
  return plain ? new URL(`http://${host}`) : url
}

/**
 * A URL for messages: without user, password and query, which may be secrets, and of limited
 * length.
 */
export function displayUrl(url: URL): string {
  const text = `${url.protocol}//${url.host}${url.pathname}`
  return text.length > 300 ? `${text.slice(0, 300)}…` : text
}

/** `GET https://registry.example/v2/team/app/tags/list`, as messages start. */
export function displayRequest(request: {readonly method: string; readonly url: URL}): string {
  return `${request.method} ${displayUrl(request.url)}`
}

/** Resolves `text` against `base`; `undefined` for an invalid address. */
export function parseUrl(text: string, base: URL): URL | undefined {
  try {
    return new URL(text, base)
  } catch {
    return undefined
  }
}
