import {once} from 'node:events'
import {type AddressInfo, connect, createServer, type Socket} from 'node:net'
import {onTestFinished} from 'vitest'

export interface CuttingProxyOptions {
  /** Every connection ends after so many bytes from the client; never, without. */
  readonly every?: number
  /** How many connections are ended; all, without. */
  readonly times?: number
  /** Bytes a second that are taken from one client, about. */
  readonly rate?: number
}

export interface CuttingProxy {
  /** `127.0.0.1:PORT`. */
  readonly address: string
  /** Bytes that clients have sent, over all connections. */
  sent(): number
  /** Connections that were ended in the middle. */
  cuts(): number
  connections(): number
}

/**
 * A network that breaks: passes bytes on to `target` (`HOST:PORT`) and ends connections when they
 * have carried enough.
 */
export async function startCuttingProxy(
  target: string,
  {every = Infinity, times = Infinity, rate = Infinity}: CuttingProxyOptions = {},
): Promise<CuttingProxy> {
  const {hostname, port} = new URL(`http://${target}`)
  const open = new Set<Socket>()
  let sent = 0
  let cuts = 0
  let connections = 0
  const server = createServer((client) => {
    connections++
    const upstream = connect(Number(port), hostname)
    let carried = 0
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => {
        open.delete(socket)
        client.destroy()
        upstream.end()
      })
    }
    client.on('data', (chunk: Buffer) => {
      sent += chunk.length
      carried += chunk.length
      if (carried > every && cuts < times) {
        cuts++
        upstream.end(chunk.subarray(0, Math.max(0, chunk.length - (carried - every))))
        client.resetAndDestroy()
        return
      }
      const isFull = !upstream.write(chunk)
      const pause = (chunk.length / rate) * 1000
      if (!isFull && pause < 1) return
      client.pause()
      const taken = isFull ? once(upstream, 'drain') : Promise.resolve()
      void taken.then(() => setTimeout(() => client.resume(), pause)).catch(() => {})
    })
    client.on('end', () => upstream.end())
    upstream.pipe(client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    for (const socket of open) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    sent: () => sent,
    cuts: () => cuts,
    connections: () => connections,
  }
}
