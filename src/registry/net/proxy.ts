import {UsageError} from '../../errors.js'
import {createNoProxy} from './no-proxy.js'

export interface Proxy {
  /** Without the user and the password. */
  readonly url: URL
  /** `http://proxy.example:3128`, for messages. */
  readonly name: string
  /** The value of `Proxy-Authorization`: only for the proxy, never for a message. */
  readonly authorization: string | undefined
}

/**
 * The proxy for a URL; `undefined`: no proxy. Throws `UsageError` (`ERR_INJECT_PROXY_INVALID`) for
 * an invalid setting.
 */
export type ProxyLookup = (url: URL) => Proxy | undefined

type Env = Readonly<Record<string, string | undefined>>

/**
 * Uses `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, in upper case (which takes precedence) or lower
 * case. A setting is read when a URL needs it.
 */
export function createProxyLookup(env: Env): ProxyLookup {
  const direct = createNoProxy(env['NO_PROXY'] || env['no_proxy'] || '')
  const known = new Map<string, Proxy | undefined>()
  return (url) => {
    if (direct(url)) return undefined
    const found = settingFor(url.protocol, env)
    if (!found) return undefined
    if (!known.has(found.name)) known.set(found.name, parseProxy(found.value, found.name))
    return known.get(found.name)
  }
}

function settingFor(protocol: string, env: Env): {name: string; value: string} | undefined {
  const names =
    protocol === 'https:'
      ? ['HTTPS_PROXY', 'https_proxy']
      : // a CGI program gets a request's "Proxy:" header by this name: https://httpoxy.org
        [...(env['REQUEST_METHOD'] ? [] : ['HTTP_PROXY']), 'http_proxy']
  for (const name of names) {
    const value = env[name]?.trim()
    if (value) return {name, value}
  }
  return undefined
}

function parseProxy(value: string, variable: string): Proxy {
  let url: URL
  try {
    url = new URL(/^[a-z][\w+.-]*:\/\//i.test(value) ? value : `http://${value}`)
  } catch {
    throw invalid(variable, 'is not an address')
  }
  if (!/^https?:$/.test(url.protocol)) {
    throw invalid(variable, `names a proxy of the kind ${url.protocol.slice(0, 20)}//`)
  }
  const login =
    url.username || url.password ? `${decoded(url.username)}:${decoded(url.password)}` : ''
  const bare = new URL(url.origin)
  return {
    url: bare,
    name: bare.origin,
    authorization: login === '' ? undefined : `Basic ${Buffer.from(login).toString('base64')}`,
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // a bare % is meant literally
    return text
  }
}

/** The value is not shown, because it may contain a password. */
function invalid(variable: string, why: string): UsageError {
  return new UsageError('ERR_INJECT_PROXY_INVALID', `${variable} ${why}`, {
    hint: 'write it as http://proxy.example:3128 or https://proxy.example',
  })
}
