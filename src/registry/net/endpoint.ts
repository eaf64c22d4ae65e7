import {reachOf} from './address.js'

/** Docker Hub's API does not live at the name that references use. */
const hosts: Readonly<Record<string, string>> = {'docker.io': 'registry-1.docker.io'}

/**
 * Where a registry answers. Unless `plainHttp` says so or not: https, but plain http on loopback,
 * where registries for trials run without a certificate.
 */
export function registryUrl(registry: string, plainHttp?: boolean): URL {
  const host = (Object.hasOwn(hosts, registry) ? hosts[registry] : undefined) ?? registry
  const url = new URL(`https://${host}`)
  const plain = plainHttp ?? reachOf(url.hostname) === 'loopback'
  return plain ? new URL(`http://${host}`) : url
}

/**
 * A URL as messages show it: no user, password or query, which may all be secrets, and not endless.
 */
export function displayUrl(url: URL): string {
  const text = `${url.protocol}//${url.host}${url.pathname}`
  return text.length > 300 ? `${text.slice(0, 300)}…` : text
}

/** `GET https://registry.example/v2/team/app/tags/list`, as messages start. */
export function displayRequest(request: {readonly method: string; readonly url: URL}): string {
  return `${request.method} ${displayUrl(request.url)}`
}

/** `text` against `base`; `undefined` for what is no address. */
export function parseUrl(text: string, base: URL): URL | undefined {
  try {
    return new URL(text, base)
  } catch {
    return undefined
  }
}
