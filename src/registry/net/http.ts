import type {IncomingHttpHeaders} from 'node:http'
import type {LookupFunction} from 'node:net'
import got from 'got'
import type {ByteStream} from '../../store/content-store.js'
import {displayRequest} from './endpoint.js'
import {proxyRefusal, TransportError, transportError} from './transport-error.js'
import {drain, receiveBody} from './receive-body.js'
import type {NetworkRoute} from './routes.js'
import {secretsOf} from '../credentials/secrets.js'
import {sendBody} from './send-body.js'

/**
 * A body that can be sent again: every `open` starts at its first byte. Without a length it is sent
 * in chunked transfer encoding.
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
   * Which timeout applies from the last byte sent to the first byte of the answer; default
   * `response`.
   */
  readonly patience?: 'response' | 'commit'
  /** Resolves the host's name, unless a proxy does that; default: the system's resolver. */
  readonly lookup?: LookupFunction | undefined
  readonly signal?: AbortSignal | undefined
}

export interface HttpResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** The address that answered, after redirects. */
  readonly url: URL
  /**
   * Can be read once; leaving it early closes the connection. Throws `TransportError` when it
   * breaks off.
   */
  readonly body: ByteStream
  /** Secrets of the request, which an error must not repeat even if the answer does. */
  readonly secrets: readonly string[]
  /** Whether there were credentials for this host, valid or not. */
  readonly isKnown?: boolean
  /**
   * Discards the body and keeps the connection if that is cheap. Every response must be either read
   * or discarded.
   */
  discard(): Promise<void>
}

/**
 * Sends one request and returns the answer, whatever its status. Throws `TransportError`, what the
 * body's producer threw, or the signal's reason.
 */
export type SendRequest = (request: HttpRequest) => Promise<HttpResponse>

/** Milliseconds. */
export interface HttpTimeouts {
  /** For each of name lookup, connecting, and the TLS handshake. */
  readonly connect: number
  readonly response: number
  /**
   * The same for a request that commits an upload: the registry may copy gigabytes from one storage
   * to another before it answers.
   */
  readonly commit: number
  /**
   * The longest time without a byte in either direction, not counting the time that the consumer
   * takes.
   */
  readonly idle: number
  /**
   * A body must come at `minRate` bytes per second on average, over every such period of waiting
   * for it.
   */
  readonly rateWindow: number
}

/**
 * Slower than any line that could carry a layer, faster than a server that only stalls the client.
 */
const minRate = 1024

export interface HttpSettings {
  readonly userAgent: string
  readonly timeouts: HttpTimeouts
  /** Throws an `InjectError` when there is no route to the host. */
  readonly routeTo: (url: URL) => NetworkRoute
}

/**
 * HTTP/1.1 over the connections of a route. Does not follow redirects, retry or decode: other files
 * do that.
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
  // an error while no listener is attached must not end the process
  stream.on('error', () => {})

  let sent = body === undefined
  const answered = new Promise<{statusCode: number; headers: IncomingHttpHeaders}>(
    (resolve, reject) => {
      stream.once('response', resolve)
      // an abort signal's reason is passed on as it is
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
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
    // the proxy's own answer, about the proxy
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
    // a stream of one chunk has nothing to wait for
    // eslint-disable-next-line @typescript-eslint/require-await
    open: async function* (): AsyncGenerator<Uint8Array> & ByteStream {
      if (bytes.length > 0) yield bytes
    },
  }
}
