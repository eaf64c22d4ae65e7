import {once} from 'node:events'
import type {ServerResponse} from 'node:http'
import {makeCertificate} from '../certificate.js'
import {registryError} from '../fake-registry.js'
import type {Answer, SeenRequest} from '../fake-server.js'
import type {KindId} from './kinds.js'
import type {Meeting} from './network.js'

/** One request that meets a fault. */
export interface Exchange {
  readonly request: SeenRequest
  readonly outgoing: ServerResponse
  /** Does what the request asks for, and gives the right answer to it. */
  readonly done: () => Promise<Answer>
  /** Another host that has the same content and asks for no credentials: `http://HOST:PORT`. */
  readonly elsewhere: string
  /** The `WWW-Authenticate` of this registry. */
  readonly challenge: string
  /** Makes all tokens worthless. */
  readonly revoke: () => void
}

export interface Only {
  readonly kinds: readonly KindId[]
  readonly why: string
}

export interface Fault {
  readonly id: string
  readonly title: string
  /** What new connections meet, from the first request of the kind on. */
  readonly meeting?: () => Meeting
  /** The registry speaks TLS. */
  readonly tls?: true
  /** What the server does instead of answering as it should. */
  readonly act?: (exchange: Exchange) => Promise<void>
  /** The client's timeouts are short, as nothing else would end it. */
  readonly stalls?: true
  /** Kinds of requests that it can meet, and why the others cannot; default: all. */
  readonly only?: Only
}

const only = (kinds: string, why: string): Only => ({kinds: kinds.split(' ') as KindId[], why})
const withBody = only('K2 K3 K5 K6 K7', 'the body of its answer does not count')
const withLocation = only('K9 K10 K11 K12', 'its answer has no Location')

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds))

/** All faults; several variants of one share its number. */
export const faults: readonly Fault[] = [
  {id: 'F1', title: 'connection refused', meeting: () => ({kind: 'refused'})},
  {id: 'F2a', title: 'ENOTFOUND', meeting: () => ({kind: 'no name', code: 'ENOTFOUND'})},
  {id: 'F2b', title: 'EAI_AGAIN', meeting: () => ({kind: 'no name', code: 'EAI_AGAIN'})},
  {id: 'F3', title: 'black hole', meeting: () => ({kind: 'black hole'}), stalls: true},
  tlsFault('F4a', 'certificate expired', () => certificateOf({expired: true})),
  tlsFault('F4b', 'certificate of another host', () => certificateOf({host: 'other.example'})),
  tlsFault('F4c', 'certificate of nobody known', () => certificateOf({})),
  tlsFault('F4d', 'TLS 1.0 only', () => ({
    ...certificateOf({}),
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1',
    ciphers: 'DEFAULT@SECLEVEL=0',
  })),
  {id: 'F5', title: 'reset in the TLS handshake', tls: true, meeting: () => ({kind: 'reset'})},

  {id: 'F6a', title: 'reset before the answer', act: reset},
  {
    id: 'F6b',
    title: 'done, and the answer lost',
    only: only('K3 K9 K10 K11 K13 K14 K15', 'what is only read is not done'),
    act: async (exchange) => {
      await exchange.done()
      await reset(exchange)
    },
  },
  {
    id: 'F7a',
    title: 'reset in the headers',
    act: async (exchange) => {
      await write(exchange, 'HTTP/1.1 200 OK\r\nContent-Le')
      await pause(20)
      await reset(exchange)
    },
  },
  {
    id: 'F7b',
    title: 'end in the headers',
    act: (exchange) => end(exchange, 'HTTP/1.1 200 OK\r\nContent-Le'),
  },
  ...[10, 50, 100].map((percent, index) =>
    inBody(
      `F8${'abc'[index] ?? ''}`,
      percent === 100 ? 'reset at the last byte' : `reset after ${percent} % of the body`,
      async (exchange, head, body) => {
        const part = percent === 100 ? body.length - 1 : Math.floor((body.length * percent) / 100)
        await write(exchange, head(), body.subarray(0, part))
        await pause(20)
        await reset(exchange)
      },
    ),
  ),
  inBody('F9', 'end before Content-Length', (exchange, head, body) =>
    end(exchange, head(), body.subarray(0, body.length / 2)),
  ),
  inBody('F10', 'early end, no Content-Length', (exchange, head, body) =>
    end(exchange, head({'content-length': undefined}), body.subarray(0, body.length / 2)),
  ),
  inBody('F11', 'chunked body cut', (exchange, head, body) =>
    end(
      exchange,
      head({'content-length': undefined, 'transfer-encoding': 'chunked'}),
      `${body.length.toString(16)}\r\n`,
      body.subarray(0, body.length / 2),
    ),
  ),
  inBody('F12a', 'Content-Length too small', (exchange, head, body) =>
    end(exchange, head({'content-length': String(body.length - 3)}), body),
  ),
  inBody('F12b', 'Content-Length too large', (exchange, head, body) =>
    end(exchange, head({'content-length': String(body.length + 3)}), body),
  ),
  raw(
    'F12c',
    'two Content-Lengths',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx',
  ),
  raw('F12d', 'negative Content-Length', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n'),
  raw('F12e', 'Content-Length: 1e3', 'HTTP/1.1 200 OK\r\nContent-Length: 1e3\r\n\r\nx'),
  inBody('F13', 'body longer than it should be', (exchange, head, body) => {
    const more = Buffer.concat([body, Buffer.from(' more')])
    return end(exchange, head({'content-length': String(more.length)}), more)
  }),
  {
    ...inBody('F14a', 'right length, wrong bytes', (exchange, head, body) =>
      end(exchange, head(), Buffer.alloc(body.length, 32)),
    ),
    only: only('K5 K6 K7', 'no digest says what it should be'),
  },
  {
    ...plain('F14b', '400 DIGEST_INVALID', () => registryError(400, 'DIGEST_INVALID')),
    only: only('K13 K14', 'it brings nothing that has a digest'),
  },
  {id: 'F15a', title: 'no answer', stalls: true, act: () => Promise.resolve()},
  {
    id: 'F15b',
    title: 'half the headers, then nothing',
    stalls: true,
    act: (exchange) => write(exchange, 'HTTP/1.1 200 OK\r\nContent-Le'),
  },
  {
    ...inBody('F16', 'half the body, then nothing', (exchange, head, body) =>
      write(exchange, head(), body.subarray(0, body.length / 2)),
    ),
    stalls: true,
  },
  {
    id: 'F17',
    title: 'a byte now and then, of headers or body',
    stalls: true,
    act: async (exchange) => {
      const answer = await exchange.done()
      const text = Buffer.concat([Buffer.from(headOf(answer)), bodyOf(answer)])
      const start = bodyOf(answer).length > 0 ? headOf(answer).length : 10
      await write(exchange, text.subarray(0, start))
      for (let at = start; at < text.length && !exchange.outgoing.destroyed; at++) {
        await write(exchange, text.subarray(at, at + 1))
        await pause(80)
      }
    },
  },
  {
    id: 'F18',
    title: '401, the token has expired',
    act: async (exchange) => {
      exchange.revoke()
      await send(exchange, unauthorized(exchange.challenge))
    },
  },
  {
    id: 'F19',
    title: '401 with a new nonce',
    act: (exchange) =>
      send(exchange, unauthorized(`${exchange.challenge},nonce="${Math.random()}"`)),
  },
  {
    id: 'F20',
    title: '401 insufficient_scope',
    act: (exchange) =>
      send(
        exchange,
        unauthorized(
          `${exchange.challenge.replace(/,scope="[^"]*"/, '')},scope="repository:team/app:pull,push",error="insufficient_scope"`,
        ),
      ),
  },
  {
    id: 'F21',
    title: '403, with our Authorization in its text',
    act: (exchange) =>
      send(
        exchange,
        registryError(403, 'DENIED', `not ${exchange.request.headers.authorization ?? 'you'}`),
      ),
  },
  plain('F22', '404', ({request}) => registryError(404, codeOf404(request))),
  {
    ...plain('F22b', '404 MANIFEST_BLOB_UNKNOWN', () =>
      registryError(404, 'MANIFEST_BLOB_UNKNOWN'),
    ),
    only: only('K14', 'it names no blobs'),
  },
  plain('F23', '405', () => registryError(405, 'UNSUPPORTED')),

  plain('F24a', '408', () => registryError(408, 'UNKNOWN')),
  plain('F24b', '425', () => registryError(425, 'UNKNOWN')),
  ...(
    [
      ['c', '429', undefined],
      ['d', '429, Retry-After: 1', '1'],
      ['e', '429, Retry-After: 3600', '3600'],
      ['f', '429, Retry-After: a date', new Date(start() + 20_000).toUTCString()],
      ['g', '429, Retry-After: a past date', 'Wed, 21 Oct 2015 07:28:00 GMT'],
      ['h', '429, Retry-After: soon', 'soon'],
      ['i', '429, Retry-After: -1', '-1'],
      ['j', '503, two Retry-After', ['1', '2']],
    ] as const
  ).map(([letter, title, after]) =>
    plain(`F24${letter}`, title, () => {
      const answer = registryError(letter === 'j' ? 503 : 429, 'TOOMANYREQUESTS')
      return {...answer, headers: {...answer.headers, ...(after && {'retry-after': after})}}
    }),
  ),
  plain('F25a', '500', () => registryError(500, 'UNKNOWN')),
  plain('F25b', '502 with a page of 1 MiB', () => page(502, 1024 * 1024)),
  plain('F25c', '503', () => registryError(503, 'UNAVAILABLE')),
  plain('F25d', '504 with a page', () => page(504, 200)),
  plain('F26a', '507', () => registryError(507, 'UNKNOWN')),
  plain('F26b', '413', () => page(413, 200)),

  ...[301, 302, 303, 307, 308].map((status, index) =>
    redirect(`F27${'abcde'[index] ?? ''}`, `${status} on the same host`, status, ({request}) =>
      at(request),
    ),
  ),
  redirect(
    'F27f',
    '307 to another host',
    307,
    ({request, elsewhere}) => `${elsewhere}${at(request)}`,
  ),
  redirect('F27g', '302 in a circle', 302, ({request}) => pathOf(request)),
  redirect('F27h', '307 over 20 hops', 307, ({request}) => {
    const hops = Number(request.query.get('hop') ?? 0) + 1
    return hops > 20 ? at(request) : `${request.path}?${withQuery(request, 'hop', String(hops))}`
  }),
  redirect('F27i', '302 without Location', 302, () => undefined),
  redirect('F27j', '307 to file:', 307, () => 'file:///etc/passwd'),
  {
    ...redirect(
      'F27k',
      '307 from https to http',
      307,
      ({request, elsewhere}) => `${elsewhere}${at(request)}`,
    ),
    tls: true,
  },

  {
    ...otherStatus('F28a', '200 where another is due', 200),
    only: only('K9 K10 K11 K12 K13 K14 K15', 'it is the status that is due'),
  },
  {
    ...otherStatus('F28b', '201 where another is due', 201),
    only: only('K1 K2 K3 K4 K5 K6 K7 K8 K9 K10 K11 K12 K15', 'it is the status that is due'),
  },
  {
    ...otherStatus('F28c', '202 where another is due', 202),
    only: only('K1 K2 K3 K4 K5 K6 K7 K8 K12 K13 K14 K15', 'it is the status that is due'),
  },
  {
    ...otherStatus('F28d', '204 where another is due', 204),
    only: only('K1 K2 K3 K4 K5 K6 K7 K8 K9 K10 K11 K13 K14', 'it is the status that is due'),
  },
  {
    ...plain('F28e', '202 and nothing done', () => ({
      status: 202,
      headers: {'content-length': '0'},
    })),
    only: only('K13 K14', 'there is nothing to be done later'),
  },
  {
    id: 'F28f',
    title: '103 before the answer',
    act: async (exchange) => {
      const answer = await exchange.done()
      await write(exchange, 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n')
      await send(exchange, answer)
    },
  },
  raw('F28g', 'status 999', 'HTTP/1.1 999 Well\r\nContent-Length: 0\r\n\r\n'),

  location('F29a', 'no Location', () => undefined),
  location('F29b', 'a relative Location', (from) => from.replace(/^.*\//, '')),
  location('F29c', 'Location on another host', (from, {elsewhere}) => `${elsewhere}${from}`),
  location('F29d', 'Location is not an http address', () => 'file:///etc/passwd'),
  {
    id: 'F30',
    title: 'wrong Docker-Content-Digest',
    only: only('K4 K5 K8 K13 K14', 'its answer names no digest'),
    act: async (exchange) => {
      const answer = await exchange.done()
      const digest = `sha256:${'5'.repeat(64)}`
      await send(exchange, {
        ...answer,
        headers: {...answer.headers, 'docker-content-digest': digest},
      })
    },
  },
  header('F31a', 'Content-Encoding: gzip', {'content-encoding': 'gzip'}),
  header('F31b', 'another Content-Type', {'content-type': 'application/json'}),
  inBody('F31c', 'a BOM before the body', (exchange, head, body) => {
    const marked = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), body])
    return end(exchange, head({'content-length': String(marked.length)}), marked)
  }),
  {
    ...plain('F31d', 'a login page with 200', () => page(200, 300)),
    only: only('K1 K2 K3 K4 K5 K6 K7 K8 K12', 'no status of its own is 200'),
  },

  {
    id: 'F32a',
    title: 'HTTP/1.0',
    act: async (exchange) => {
      const answer = await exchange.done()
      await end(exchange, headOf(answer).replace('HTTP/1.1', 'HTTP/1.0'), bodyOf(answer))
    },
  },
  {
    id: 'F32b',
    only: only('K1 K2 K3 K4 K5 K6 K7 K8 K9 K10 K11 K13 K14 K15', 'it is K11 that meets the end'),
    title: 'connection ended after the answer, unannounced',
    act: async (exchange) => {
      await send(exchange, await exchange.done())
      exchange.outgoing.socket?.end()
    },
  },
  {
    id: 'F32c',
    title: 'garbage after the answer',
    act: async (exchange) => {
      const answer = await exchange.done()
      await write(
        exchange,
        headOf(answer),
        bodyOf(answer),
        'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
      )
    },
  },
  raw('F32d', 'headers of 1 MiB', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(1024 * 1024)}\r\n\r\n`),
]

function start(): number {
  return 1_800_000_000_000
}

/** Milliseconds since the epoch when a run begins: the clock of the matrix. */
export const startTime = start()

function certificateOf(recipe: Parameters<typeof makeCertificate>[0]) {
  const {key, certificate} = makeCertificate(recipe)
  return {key, cert: certificate}
}

function tlsFault(id: string, title: string, make: () => object): Fault {
  let options: object | undefined
  return {id, title, tls: true, meeting: () => ({kind: 'tls', options: (options ??= make())})}
}

function plain(id: string, title: string, answer: (exchange: Exchange) => Answer): Fault {
  return {id, title, act: (exchange) => send(exchange, answer(exchange))}
}

function raw(id: string, title: string, text: string): Fault {
  return {id, title, act: (exchange) => end(exchange, text)}
}

type Head = (change?: Readonly<Record<string, string | undefined>>) => string

function inBody(
  id: string,
  title: string,
  give: (exchange: Exchange, head: Head, body: Buffer) => Promise<void>,
): Fault {
  return {
    id,
    title,
    only: withBody,
    act: async (exchange) => {
      const answer = await exchange.done()
      await give(exchange, (change = {}) => headOf(answer, change), bodyOf(answer))
    },
  }
}

function redirect(
  id: string,
  title: string,
  status: number,
  target: (exchange: Exchange) => string | undefined,
): Fault {
  return plain(id, title, (exchange) => {
    const to = target(exchange)
    return {status, headers: {'content-length': '0', ...(to !== undefined && {location: to})}}
  })
}

/** The work is done, and the answer has all but the right status. */
function otherStatus(id: string, title: string, status: number): Fault {
  return {
    id,
    title,
    act: async (exchange) => {
      const answer = await exchange.done()
      await send(exchange, {...answer, status, ...(status === 204 && {body: ''})})
    },
  }
}

function location(
  id: string,
  title: string,
  change: (from: string, exchange: Exchange) => string | undefined,
): Fault {
  return {
    id,
    title,
    only: withLocation,
    act: async (exchange) => {
      const answer = await exchange.done()
      const {location: from, ...others} = answer.headers as Record<string, string>
      const to = from === undefined ? undefined : change(from, exchange)
      await send(exchange, {
        ...answer,
        headers: {...others, ...(to !== undefined && {location: to})},
      })
    },
  }
}

function header(id: string, title: string, headers: Record<string, string>): Fault {
  return {
    id,
    title,
    only: withBody,
    act: async (exchange) => {
      const answer = await exchange.done()
      await send(exchange, {...answer, headers: {...answer.headers, ...headers}})
    },
  }
}

function unauthorized(challenge: string): Answer {
  const answer = registryError(401, 'UNAUTHORIZED')
  return {...answer, headers: {...answer.headers, 'www-authenticate': challenge}}
}

function page(status: number, size: number): Answer {
  const body = '<html>'.padEnd(size, 'x')
  return {status, headers: {'content-type': 'text/html', 'content-length': String(size)}, body}
}

function codeOf404({path}: SeenRequest): string {
  if (path.includes('/uploads/')) return path.endsWith('/') ? 'NAME_UNKNOWN' : 'BLOB_UPLOAD_UNKNOWN'
  return path.includes('/blobs/') ? 'BLOB_UNKNOWN' : 'MANIFEST_UNKNOWN'
}

/** The same request at another address, which the fault does not meet again. */
function at(request: SeenRequest): string {
  return `${request.path}?${withQuery(request, 'redirected', '1')}`
}

function pathOf({path, query}: SeenRequest): string {
  return `${path}${query.size > 0 ? `?${query.toString()}` : ''}`
}

function withQuery({query}: SeenRequest, name: string, value: string): string {
  const all = new URLSearchParams(query)
  all.set(name, value)
  return all.toString()
}

/** A whole answer, by the server's own means; headers only, to a HEAD. */
export async function send(
  {request, outgoing}: Pick<Exchange, 'request' | 'outgoing'>,
  answer: Answer,
): Promise<void> {
  outgoing.writeHead(answer.status ?? 200, answer.headers as Record<string, string | string[]>)
  outgoing.end(request.method === 'HEAD' ? '' : bodyOf(answer))
  if (!outgoing.writableFinished)
    await Promise.race([once(outgoing, 'finish'), once(outgoing, 'close')])
}

function bodyOf({body = ''}: Answer): Buffer {
  return typeof body === 'string' ? Buffer.from(body) : Buffer.from(body as Uint8Array)
}

function headOf(answer: Answer, change: Readonly<Record<string, string | undefined>> = {}): string {
  const length = {'content-length': String(bodyOf(answer).length)}
  const headers: Record<string, string | readonly string[] | undefined> = {
    ...length,
    ...answer.headers,
    ...change,
  }
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((each) => `${name}: ${each}\r\n`),
  )
  return `HTTP/1.1 ${answer.status ?? 200} Said\r\n${lines.join('')}\r\n`
}

function write({outgoing: {socket}}: Exchange, ...parts: (string | Buffer)[]): Promise<void> {
  const bytes = Buffer.concat(parts.map((part) => Buffer.from(part as string)))
  return new Promise((resolve) => {
    if (!socket || socket.destroyed) resolve()
    else socket.write(bytes, () => resolve())
  })
}

async function end(exchange: Exchange, ...parts: (string | Buffer)[]): Promise<void> {
  await write(exchange, ...parts)
  exchange.outgoing.socket?.end()
}

function reset({outgoing: {socket}}: Exchange): Promise<void> {
  // over TLS there is nothing to reset but what is below
  if (socket && 'resetAndDestroy' in socket) socket.resetAndDestroy()
  return Promise.resolve()
}
