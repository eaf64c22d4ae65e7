import type {IncomingHttpHeaders} from 'node:http'
import {parseJsonValue} from '../../oci/json-value.js'
import type {ByteStream} from '../../store/content-store.js'
import type {SendRequest, HttpRequest, HttpResponse} from '../net/http.js'
import type {Transport} from '../net/transport.js'

/** A request and its answer, without secrets: no body, and only the scheme of the authorization. */
export interface SeenExchange {
  readonly method: HttpRequest['method']
  readonly url: URL
  /** The scheme of the `Authorization` header, in lower case; `undefined`: there was none. */
  readonly scheme: string | undefined
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** The value of `expires_in` in a JSON answer, once the answer was read. */
  expiresIn?: number
}

export interface WatchedTransport extends Transport {
  /** In the order in which they were answered. */
  readonly seen: readonly SeenExchange[]
}

/** The largest token answer. */
const longestAnswer = 64 * 1024

/** A transport that records its requests and answers. */
export function watchTransport(transport: Transport): WatchedTransport {
  const seen: SeenExchange[] = []
  return {
    pauses: transport.pauses,
    secrets: transport.secrets,
    join: () => transport.join(),
    seen,
    exchangeFor(registry) {
      const exchange = transport.exchangeFor(registry)
      const watched: SendRequest = async (request) => {
        const response = await exchange(request)
        const entry = entryOf(request, response)
        seen.push(entry)
        return watchBody(response, entry)
      }
      return watched
    },
  }
}

function entryOf({method, url, headers}: HttpRequest, response: HttpResponse): SeenExchange {
  const [scheme] = (headers?.['authorization'] ?? '').toLowerCase().split(' ')
  return {
    method,
    url,
    scheme: scheme || undefined,
    status: response.status,
    headers: response.headers,
  }
}

function watchBody(response: HttpResponse, entry: SeenExchange): HttpResponse {
  const isShort = Number(response.headers['content-length'] ?? 0) <= longestAnswer
  const isJson = (response.headers['content-type'] ?? 'application/json').includes('json')
  if (response.status !== 200 || !isShort || !isJson) return response
  const body = readAlong(response.body, (bytes) => {
    const life = expiresIn(bytes)
    if (life !== undefined) entry.expiresIn = life
  })
  return {...response, body}
}

async function* readAlong(
  body: ByteStream,
  onEnd: (bytes: Buffer) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size <= longestAnswer) chunks.push(chunk)
    yield chunk
  }
  if (size <= longestAnswer) onEnd(Buffer.concat(chunks))
}

function expiresIn(bytes: Buffer): number | undefined {
  const value = parseJsonValue(bytes.toString())
  const life: unknown =
    typeof value === 'object' && value !== null && 'expires_in' in value
      ? value.expires_in
      : undefined
  return typeof life === 'number' && Number.isFinite(life) ? life : undefined
}
