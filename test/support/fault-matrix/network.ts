import dns, {type LookupAddress, type LookupOptions} from 'node:dns'
import {once} from 'node:events'
import {createServer as createHttpServer, type RequestListener} from 'node:http'
import {createServer as createTlsServer} from 'node:https'
import {type AddressInfo, connect, createServer, type Server, type Socket} from 'node:net'
import type {TlsOptions} from 'node:tls'
import {Worker} from 'node:worker_threads'

/** What a connection meets. */
export type Meeting =
  | {readonly kind: 'server'}
  /** Nobody listens. */
  | {readonly kind: 'refused'}
  /** Nothing answers, not even the kernel. */
  | {readonly kind: 'black hole'}
  /** The name is none. */
  | {readonly kind: 'no name'; readonly code: 'ENOTFOUND' | 'EAI_AGAIN'}
  /** The first bytes are answered with a reset. */
  | {readonly kind: 'reset'}
  /** A server with another certificate, or another idea of TLS. */
  | {readonly kind: 'tls'; readonly options: TlsOptions}

export interface Host {
  /** `NAME:PORT`; the name is known to this process alone. */
  readonly address: string
  /** Connections of clients that are open now. */
  open(): number
  close(): Promise<void>
}

export interface HostOptions {
  readonly listener: RequestListener
  /** Speaks TLS, with what this gives for its name; http without. */
  readonly tls?: ((name: string) => TlsOptions) | undefined
  /** Asked before every connection. */
  readonly meet: () => Meeting
}

type Callback = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void

const resolvers = new Map<string, () => Promise<string>>()
const systemLookup = dns.lookup
let hosts = 0

/** The resolver of this process knows the hosts of the matrix, and everything else as before. */
function lookup(name: string, options: LookupOptions, callback: Callback): void {
  const resolver = resolvers.get(name)
  if (!resolver) {
    systemLookup(name, options, callback)
    return
  }
  // not before anyone who asks has begun to listen, as with the real one
  setImmediate(() => {
    resolver().then(
      (address) =>
        options.all ? callback(null, [{address, family: 4}]) : callback(null, address, 4),
      (error: unknown) => callback(error as NodeJS.ErrnoException, ''),
    )
  })
}

/**
 * A host that every new connection may meet in another state. All states have the same port, each
 * at an address of its own.
 */
export async function startHost({listener, tls, meet}: HostOptions): Promise<Host> {
  dns.lookup = lookup as typeof dns.lookup
  const number = ++hosts
  const name = `m${process.pid}-${number}.localhost`
  const sockets = new Set<Socket>()
  const closers: (() => Promise<unknown>)[] = []
  let used = 0
  // far from 127.0.0.1, where other tests listen
  const newAddress = (): string =>
    `127.${20 + (process.pid % 200)}.${number % 250}.${Math.floor(number / 250) * 8 + ++used}`

  const listen = async (server: Server, port: number, address: string): Promise<number> => {
    server.on('connection', (socket: Socket) => {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => sockets.delete(socket))
    })
    server.on('tlsClientError', () => {})
    server.listen(port, address)
    await once(server, 'listening')
    closers.push(async () => {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    })
    return (server.address() as AddressInfo).port
  }
  const serverFor = (options: TlsOptions | undefined): Server =>
    options ? createTlsServer(options, listener) : createHttpServer(listener)

  const home = newAddress()
  const port = await listen(serverFor(tls?.(name)), 0, home)
  const places = new Map<string, Promise<string>>([['server', Promise.resolve(home)]])
  const place = async (meeting: Meeting): Promise<string> => {
    const address = newAddress()
    if (meeting.kind === 'tls') await listen(serverFor(meeting.options), port, address)
    if (meeting.kind === 'reset') {
      const resetting = createServer((socket) =>
        socket.once('data', () => socket.resetAndDestroy()),
      )
      await listen(resetting, port, address)
    }
    if (meeting.kind === 'black hole') closers.push(await digBlackHole(address, port))
    return address
  }
  resolvers.set(name, async () => {
    const meeting = meet()
    if (meeting.kind === 'no name')
      throw Object.assign(new Error(`getaddrinfo ${meeting.code} ${name}`), {code: meeting.code})
    let found = places.get(meeting.kind)
    if (!found) places.set(meeting.kind, (found = place(meeting)))
    return found
  })

  return {
    address: `${name}:${port}`,
    open: () => sockets.size,
    async close() {
      resolvers.delete(name)
      for (const close of closers) await close()
    },
  }
}

/**
 * A listener that never accepts, with as many connections as its queue holds: the kernel drops what
 * else comes.
 */
async function digBlackHole(address: string, port: number): Promise<() => Promise<unknown>> {
  const script = `
    const {workerData, parentPort} = require('node:worker_threads')
    const server = require('node:net').createServer()
    server.listen({port: workerData.port, host: workerData.address, backlog: 1}, () => {
      parentPort.postMessage('listening')
      setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
    })`
  const worker = new Worker(script, {eval: true, workerData: {port, address}})
  await once(worker, 'message')
  await new Promise((resolve) => setTimeout(resolve, 50))
  const fillers = Array.from({length: 4}, () => connect(port, address).on('error', () => {}))
  await Promise.all(fillers.slice(0, 2).map((filler) => once(filler, 'connect')))
  return async () => {
    for (const filler of fillers) filler.destroy()
    await worker.terminate()
  }
}
