import {once} from 'node:events'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as httpRequest,
  type ServerResponse,
} from 'node:http'
import {createServer as createTlsServer} from 'node:https'
import type {AddressInfo} from 'node:net'
import {onTestFinished} from 'vitest'
import type {Certificate} from './certificate.js'
import {serveRegistry, type ServedRegistry} from './served-registry.js'

/** A request on its way to the registry. */
export interface QuirkRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  /** As the client calls the registry. */
  readonly origin: string
  /** Bytes of `Content-Length`; `undefined` for a body that does not say. */
  readonly length: number | undefined
}

export interface QuirkAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body?: string | Uint8Array
}

/**
 * What the registry would answer, to the request as it is or with other headers or another path and
 * query.
 */
export type Forward = (changes?: {
  readonly headers?: IncomingHttpHeaders
  readonly path?: string
  /** What is sent on instead of the client's body. */
  readonly body?: Uint8Array
}) => Promise<QuirkAnswer>

/** A peculiarity: answers in the registry's place, or changes what goes in or comes out. */
export type Quirk = (request: QuirkRequest, forward: Forward) => QuirkAnswer | Promise<QuirkAnswer>

export interface QuirkRegistry {
  /** `127.0.0.1:PORT` of the front: the registry as clients know it. */
  readonly address: string
  /** The registry behind, which does all right. */
  readonly behind: ServedRegistry
  /** In the order in which they came; `answered` once they were. */
  readonly requests: (QuirkRequest & {answered?: number; received: number})[]
  /** `METHOD` of each request below `/blobs/`, with the status. */
  uploads(): string
}

/**
 * A registry of ours in this process behind a front that behaves as the quirks say, the first one
 * outermost.
 */
export async function serveQuirks(
  quirks: readonly Quirk[],
  options: {readonly tls?: Certificate; readonly behind?: ServedRegistry} = {},
): Promise<QuirkRegistry> {
  const behind = options.behind ?? (await serveRegistry())
  const requests: QuirkRegistry['requests'] = []
  const listener = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    answer(incoming, outgoing).catch(() => incoming.destroy())
  }
  const server = options.tls
    ? createTlsServer({key: options.tls.key, cert: options.tls.certificate}, listener)
    : createServer(listener)

  async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const host = incoming.headers.host ?? ''
    const origin = `${options.tls ? 'https' : 'http'}://${host}`
    const url = new URL(incoming.url ?? '/', origin)
    const text = incoming.headers['content-length']
    const request = {
      method: incoming.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: incoming.headers,
      origin,
      length: text === undefined ? undefined : Number(text),
      received: 0,
    }
    const seen: QuirkRegistry['requests'][number] = request
    requests.push(seen)
    incoming.on('data', (chunk: Buffer) => (seen.received += chunk.length)).pause()
    const last: Forward = (changes) => pass(incoming, behind.address, changes)
    const chain = quirks.reduceRight<Forward>(
      (next, quirk) => (changes) =>
        Promise.resolve(
          quirk(changes?.headers ? {...request, headers: changes.headers} : request, (more) =>
            next({...changes, ...more}),
          ),
        ),
      last,
    )
    const {status, headers, body = ''} = await chain()
    seen.answered = status
    const plain = Object.fromEntries(
      Object.entries(headers).filter(
        ([name, value]) => value !== undefined && name !== 'connection',
      ),
    ) as Record<string, string | string[]>
    outgoing.writeHead(status, plain)
    outgoing.end(body)
    // anyone who was answered early may still be sending
    incoming.resume()
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const {port} = server.address() as AddressInfo
  return {
    address: `127.0.0.1:${port}`,
    behind,
    requests,
    uploads: () =>
      requests
        .filter(({path}) => path.includes('/blobs/'))
        .map(({method, answered}) => `${method} ${answered ?? 'lost'}`)
        .join(', '),
  }
}

/**
 * Sends a request on, its body as it comes; a client that goes away in the middle goes away here,
 * too.
 */
function pass(
  incoming: IncomingMessage,
  target: string,
  {headers = incoming.headers, path = incoming.url ?? '/', body}: Parameters<Forward>[0] = {},
): Promise<QuirkAnswer> {
  const {hostname, port} = new URL(`http://${target}`)
  const own = body ? {...headers, 'content-length': String(body.length)} : headers
  if (body) delete own['transfer-encoding']
  return new Promise((resolve, reject) => {
    const onward = httpRequest(
      {hostname, port, method: incoming.method, path, headers: own, agent: false},
      (response) => {
        response.toArray().then(
          (chunks: Buffer[]) =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: Buffer.concat(chunks),
            }),
          reject,
        )
      },
    )
    onward.once('error', reject)
    incoming.once('close', () => {
      if (!incoming.complete) onward.destroy()
    })
    if (body) onward.end(body)
    else incoming.pipe(onward)
  })
}
