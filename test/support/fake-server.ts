import {once} from 'node:events'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import {createServer as createTlsServer} from 'node:https'
import type {AddressInfo, Socket} from 'node:net'
import {onTestFinished} from 'vitest'
import type {Certificate} from './certificate.js'

export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  /** Empty when the answer was given before it came. */
  readonly body: Buffer
}

/** What to do with one request; plain members make a plain answer, the others a bad one. */
export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>
  /** Sent instead of a whole answer, byte for byte; then the connection ends (unless `stall`). */
  readonly raw?: string
  /** The connection is reset, before anything is sent or after so many bytes of the body. */
  readonly reset?: true | number
  /** The connection is ended after so many bytes of the body. */
  readonly cut?: number
  /** Nothing more is sent, before anything is or after so many bytes of the body. */
  readonly stall?: true | number
}

export type Handler = (request: SeenRequest) => Answer | Promise<Answer>

export interface FakeServer {
  /** `127.0.0.1:PORT`. */
  readonly address: string
  readonly url: URL
  /** In the order in which they came. */
  readonly requests: SeenRequest[]
  /** `METHOD path?query` of each. */
  lines(): string[]
  /** How many there were so far. */
  connections(): number
  /** Replaces what answers. */
  handle(handler: Handler): void
  close(): Promise<void>
}

export interface FakeServerOptions {
  readonly tls?: Certificate
  /** Requests that are answered without reading their body. */
  readonly early?: (request: Omit<SeenRequest, 'body'>) => boolean
  readonly hostname?: string
}

/** An HTTP server for the running test that does exactly what `handler` says, right or wrong. */
export async function startFakeServer(
  handler: Handler,
  {tls, early = () => false, hostname = '127.0.0.1'}: FakeServerOptions = {},
): Promise<FakeServer> {
  let current = handler
  const requests: SeenRequest[] = []
  const sockets = new Set<Socket>()
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const url = new URL(incoming.url ?? '/', 'http://x')
    const head = {
      method: incoming.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: incoming.headers,
    }
    const body = early(head) ? Buffer.alloc(0) : Buffer.concat(await incoming.toArray())
    const request = {...head, body}
    requests.push(request)
    await give(await current(request), outgoing)
  }
  const listener = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    // a client that goes away ends what is read from it
    answer(incoming, outgoing).catch(() => outgoing.destroy())
  }
  const server = tls
    ? createTlsServer({key: tls.key, cert: tls.certificate}, listener)
    : createServer(listener)
  let connections = 0
  server.on('connection', (socket: Socket) => {
    connections++
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = `${hostname}:${(server.address() as AddressInfo).port}`
  const close = async (): Promise<void> => {
    if (!server.listening) return
    server.close()
    for (const socket of sockets) socket.destroy()
    await once(server, 'close')
  }
  onTestFinished(close)
  return {
    address,
    url: new URL(`${tls ? 'https' : 'http'}://${address}/`),
    requests,
    lines: () =>
      requests.map(
        ({method, path, query}) =>
          `${method} ${path}${query.size > 0 ? `?${query.toString()}` : ''}`,
      ),
    connections: () => connections,
    handle: (next) => (current = next),
    close,
  }
}

async function give(answer: Answer, outgoing: ServerResponse): Promise<void> {
  const {socket} = outgoing
  if (answer.raw !== undefined) {
    socket?.write(answer.raw, 'latin1')
    if (answer.stall === undefined) socket?.end()
    return
  }
  if (answer.reset === true) return void socket?.resetAndDestroy()
  if (answer.stall === true) return
  outgoing.writeHead(answer.status ?? 200, answer.headers as Record<string, string | string[]>)
  const {body = ''} = answer
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) {
    for await (const chunk of body) {
      if (outgoing.destroyed) return
      if (!outgoing.write(chunk))
        await Promise.race([once(outgoing, 'drain'), once(outgoing, 'close')])
    }
    outgoing.end()
    return
  }
  const end = [answer.reset, answer.cut, answer.stall].find((at) => typeof at === 'number')
  if (end === undefined) return void outgoing.end(body)
  outgoing.flushHeaders()
  await new Promise((resolve) => outgoing.write(Buffer.from(body).subarray(0, end), resolve))
  if (answer.stall !== undefined) return
  // let what was sent arrive: a reset may overtake it
  await new Promise((resolve) => setTimeout(resolve, 20))
  if (answer.cut === undefined) socket?.resetAndDestroy()
  else socket?.destroy()
}
