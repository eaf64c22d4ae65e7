import {createServer, request} from 'node:http'
import {once} from 'node:events'
import type {AddressInfo} from 'node:net'
import {onTestFinished} from 'vitest'

export interface RecordedRequest {
  readonly method: string
  readonly path: string
  bytes: number
  /** Bytes of the answer's body so far. */
  answered: number
}

export interface RecordingProxy {
  /** `127.0.0.1:PORT`. */
  readonly address: string
  readonly requests: RecordedRequest[]
  /** Called with each request before it is passed on; may hold it up. */
  before: ((request: RecordedRequest) => Promise<void> | void) | undefined
  /** What is asked of the registry in place of a path. */
  rewrite: ((path: string) => string) | undefined
}

/** Passes everything on to a registry and writes down what went by. */
export async function recordRequests(target: string): Promise<RecordingProxy> {
  const [hostname, port] = target.split(':')
  const requests: RecordedRequest[] = []
  const proxy: Pick<RecordingProxy, 'before' | 'rewrite'> = {before: undefined, rewrite: undefined}
  const server = createServer((incoming, outgoing) => {
    const recorded = {
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      bytes: 0,
      answered: 0,
    }
    requests.push(recorded)
    void (async () => {
      await proxy.before?.(recorded)
      const onward = request(
        {
          ...{hostname, port, method: incoming.method, headers: incoming.headers},
          path: proxy.rewrite?.(recorded.path) ?? incoming.url,
        },
        (answer) => {
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
          answer.on('data', (chunk: Buffer) => (recorded.answered += chunk.length))
          answer.pipe(outgoing)
        },
      )
      onward.on('error', () => outgoing.destroy())
      incoming.on('data', (chunk: Buffer) => (recorded.bytes += chunk.length))
      incoming.pipe(onward)
    })()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const {port: own} = server.address() as AddressInfo
  return Object.assign(proxy, {address: `127.0.0.1:${own}`, requests})
}
