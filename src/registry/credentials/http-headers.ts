import {parseJsonValue} from '../../oci/json-value.js'
import {type AuthFilePlaces, dockerConfig, readAuthFile} from './auth-file-places.js'

/** The headers that users add to every request to a registry, by name in lower case. */
export type ExtraHeaders = Readonly<Record<string, string>>

/**
 * Headers that `inject` itself sets: overriding them could break a request, or send credentials to
 * the wrong host.
 */
const ours: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'authorization',
  'connection',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'date',
  'docker-content-digest',
  'expect',
  'host',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'range',
  'referer',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
])

const mostHeaders = 64

/**
 * `HttpHeaders` of docker's `config.json`, without reserved and invalid ones. Never fails: a
 * problem with the file is reported when it is read for credentials.
 * https://docs.docker.com/reference/cli/docker/#custom-http-headers
 */
export async function readHttpHeaders(places: AuthFilePlaces): Promise<ExtraHeaders> {
  const text = await readAuthFile({path: dockerConfig(places), named: false}).catch(() => undefined)
  const found = text === undefined ? undefined : headersIn(text)
  if (typeof found !== 'object' || found === null) return {}
  return Object.fromEntries(
    Object.entries(found)
      .slice(0, mostHeaders)
      .flatMap(([name, value]: [string, unknown]) => {
        const key = name.toLowerCase()
        const isHeader = /^[!#$%&'*+\-.^_`|~\w]{1,128}$/.test(name) && !ours.has(key)
        const isValue = typeof value === 'string' && /^[\x20-\x7E]{0,4096}$/.test(value)
        return isHeader && isValue ? [[key, value]] : []
      }),
  )
}

function headersIn(text: string): unknown {
  const document = parseJsonValue(text.replace(/^\uFEFF/, ''))
  const isObject = typeof document === 'object' && document !== null
  return isObject && 'HttpHeaders' in document ? document.HttpHeaders : undefined
}
