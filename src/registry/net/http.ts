import type {IncomingHttpHeaders} from 'node:http'
import type {LookupFunction} from 'node:net'
import got from 'got'
import type {ByteStream} from '../../store/content-store.js'
import {displayRequest} from './endpoint.js'
import {proxyRefusal, TransportError, transportError} from './transport-error.js'
import {drain, receiveBody} from './receive-body.js'
import type {NetworkRoute} from './routes.js'
import {secretsOf} from './secrets.js'
import {sendBody} from './send-body.js'

/**
 * A body that can be sent again: every `open` starts at its first byte. Without a length it goes as
 * chunked transfer encoding.
 */
export interface OutgoingBody {
  readonly length: number | undefined
  open(): ByteStream
}

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: URL
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: OutgoingBody
  /**
   * Which of the timeouts holds from the last byte sent to the first one of the answer; default
   * `response`.
   */
  readonly patience?: 'response' | 'commit'
  /**
   * How the host's name becomes an address, where that is ours to find out and not a proxy's;
   * default: as the system does.
   */
  readonly lookup?: LookupFunction | undefined
  readonly signal?: AbortSignal | undefined
}

export interface HttpResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Where the answer came from: after redirects, not where the request went. */
  readonly url: URL
  /**
   * To be read once; leaving it early ends the connection. Throws `TransportError` when it breaks
   * off.
   */
  readonly body: ByteStream
  /** What was sent that an error must not repeat, though the answer may. */
  readonly secrets: readonly string[]
  /** Whether we had credentials for whom we asked, right or wrong. */
  readonly isKnown?: boolean
  /**
   * Gets rid of the body and keeps the connection if that is cheap. Every response is either read
   * or discarded.
   */
  discard(): Promise<void>
}

/**
 * One request, one answer of any status. Throws `TransportError`, what the body's producer threw,
 * or the signal's reason.
 */
export type SendRequest = (request: HttpRequest) => Promise<HttpResponse>

/** Milliseconds. */
export interface HttpTimeouts {
  /** For each of looking up the name, connecting, and the TLS handshake. */
  readonly connect: number
  readonly response: number
  /**
   * The same, for a request that commits an upload: the registry may copy gigabytes from one
   * storage to another before it answers.
   */
  readonly commit: number
  /** Without a byte moving, in either direction, while it is not us who are slow. */
  readonly idle: number
  /**
   * A body must come at `minRate` bytes per second, on the average of every such time that we wait
   * for it.
   */
  readonly rateWindow: number
}

/**
 * Slower than any line that a layer could come over, faster than a server that only keeps us
 * waiting.
 */
const minRate = 1024

export interface HttpSettings {
  readonly userAgent: string
  readonly timeouts: HttpTimeouts
  /** Throws an error of ours when a way cannot be had. */
  readonly routeTo: (url: URL) => NetworkRoute
}

/**
 * HTTP/1.1 over the connections of a route. Follows no redirects, retries nothing, decodes nothing:
 * each of these is a file of its own, or a mistake.
 */
export function createHttp(settings: HttpSettings): SendRequest {
  return (request) => exchange(request, settings)
}

async function exchange(request: HttpRequest, settings: HttpSettings): Promise<HttpResponse> {
  const {method, url, body, signal} = request
  signal?.throwIfAborted()
  const {connect, idle, rateWindow} = settings.timeouts
  const {agent, request: send, proxy, direct} = settings.routeTo(url)
  const doing = displayRequest(request)
  const stream = got.stream(url, {
    method,
    agent,
    ...(send && {request: send}),
    ...(direct && request.lookup && {dnsLookup: request.lookup}),
    headers: {
      'user-agent': settings.userAgent,
      'accept-encoding': 'identity',
      ...request.headers,
      ...lengthHeader(request),
    },
    followRedirect: false,
    decompress: false,
    throwHttpErrors: false,
    retry: {limit: 0},
    maxHeaderSize: 16 * 1024,
    timeout: {
      lookup: connect,
      connect,
      secureConnect: connect,
      response: settings.timeouts[request.patience ?? 'response'],
    },
  })
  const abort = (): void => void stream.destroy(new TransportError('ERR_ABORTED', 'aborted'))
  signal?.addEventListener('abort', abort, {once: true})
  const finish = (): void => signal?.removeEventListener('abort', abort)
  const failure = (error: unknown): unknown =>
    signal?.aborted ? signal.reason : transportError(error, doing)
  // an error between two listeners of ours must not end the process
  stream.on('error', () => {})

  let sent = body === undefined
  const answered = new Promise<{statusCode: number; headers: IncomingHttpHeaders}>(
    (resolve, reject) => {
      stream.once('response', resolve)
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- an abort signal's reason is passed on as it is
      stream.once('error', (error) => reject(failure(error)))
      if (method === 'GET' || method === 'HEAD') return
      if (!body) stream.end()
      else
        sendBody(stream, body.open(), {idle, doing}).then((whole) => {
          sent = whole
        }, reject)
    },
  )
  try {
    const {statusCode: status, headers} = await answered
    // an answer of the proxy's own, and about it
    if (proxy && status === 407) throw failure(proxyRefusal(proxy.name, status, doing))
    if (!sent && status < 300) {
      throw new TransportError('ERR_EARLY_ANSWER', `${doing}: answered before all was sent`)
    }
    const received = receiveBody(stream, {
      idle,
      rate: {window: rateWindow, minimum: minRate},
      doing,
      failure,
      finish,
      reusable: () => sent,
    })
    const secrets = secretsOf(undefined, [request.headers?.['authorization'], proxy?.authorization])
    return {status, headers, url, body: received, secrets, discard: () => drain(received)}
  } catch (error) {
    finish()
    stream.destroy()
    throw error
  }
}

function lengthHeader({method, body}: HttpRequest): Record<string, string> {
  if (method === 'GET' || method === 'HEAD' || method === 'DELETE') return {}
  if (!body) return {'content-length': '0'}
  return body.length === undefined ? {} : {'content-length': String(body.length)}
}
/** Bytes in memory, as a request's body and as a blob's source. */
export function bytesBody(bytes: Uint8Array): OutgoingBody {
  return {
    length: bytes.length,
    // eslint-disable-next-line @typescript-eslint/require-await -- a stream of one chunk has nothing to wait for
    open: async function* (): AsyncGenerator<Uint8Array> & ByteStream {
      if (bytes.length > 0) yield bytes
    },
  }
}
