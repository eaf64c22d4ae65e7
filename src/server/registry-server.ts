import {setMaxListeners} from 'node:events'
import {createServer, type IncomingMessage, type Server, type ServerResponse} from 'node:http'
import {createServer as createTlsServer, type Server as TlsServer} from 'node:https'
import type {Socket} from 'node:net'
import type {RepositoryRoot} from '../store/repository.js'
import {type Access, openAccess} from './http/access.js'
import type {AccessRecord} from './http/access-record.js'
import {createAnswerSizes} from './http/answer-in-room.js'
import {createBodyMemory} from './http/body-memory.js'
import {answerClientError} from './http/client-error.js'
import {watchConnections} from './http/connections.js'
import {processDescriptors} from './http/descriptor-budget.js'
import {createHostRule} from './http/host-rule.js'
import {defaultLimits, type ServerLimits} from './http/limits.js'
import {listenOn, type ListenAddress} from './http/listen.js'
import {createServerMetrics} from './metrics.js'
import {serveRequest} from './serve-request.js'
import {createLimiter} from '../stream/limiter.js'

/** Requests at once that read, and that check, whole documents: as many as keep the disk busy. */
const mostReading = 8
const mostWriting = 8

/** A certificate chain and its key, in PEM. */
export interface TlsIdentity {
  readonly cert: string | Buffer
  readonly key: string | Buffer
}

export interface RegistryServerOptions {
  readonly root: RepositoryRoot
  /** Everybody may do everything, without. */
  readonly access?: Access | undefined
  readonly limits?: Partial<ServerLimits> | undefined
  /**
   * Names of this registry, besides loopback's and what it listens on. Without passwords (and with
   * them, where this is given, or on loopback when anybody may pull) a request for another host is
   * refused.
   */
  readonly allowHosts?: readonly string[] | undefined
  /** Tags, manifests and blobs may be deleted; they may, without. */
  readonly deletes?: boolean | undefined
  /**
   * A manifest may name layers, and an index manifests, that are not there; without it they must be
   * there.
   */
  readonly sparse?: boolean | undefined
  /** Nothing is taken and nothing deleted. */
  readonly readOnly?: boolean | undefined
  /** Plain HTTP, without. */
  readonly tls?: TlsIdentity | undefined
  /** Serves `/metrics` for Prometheus. */
  readonly metrics?: boolean | undefined
  /** Serves a page for people at `/`: what is in here, nothing to change it with. */
  readonly page?: boolean | undefined
  /** Called for every request when it is over. */
  readonly log?: ((record: AccessRecord) => void) | undefined
}

export interface RegistryServer {
  readonly server: Server
  /** Port 0 is any that is free. Throws `LocalIoError` (`ERR_INJECT_LISTEN_FAILED`). */
  listen(address?: Partial<ListenAddress>): Promise<{readonly url: string}>
  /**
   * A new certificate for the connections to come. Throws when it is invalid, and then the old one
   * stays.
   */
  replaceTls(identity: TlsIdentity): void
  /**
   * Takes no more requests and waits for those that run, at most `drainTime` milliseconds (10 s);
   * then ends them. Their upload sessions keep what has arrived. The root stays open.
   */
  close(drainTime?: number): Promise<void>
}

/**
 * A registry over HTTP: the OCI distribution specification 1.1 over a folder of repositories. It
 * does not listen yet.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
 */
export function createRegistryServer(options: RegistryServerOptions): RegistryServer {
  const {root, access = openAccess, deletes = true, sparse = false} = options
  const {readOnly = false, page = false} = options
  const limits = {...defaultLimits, ...options.limits}
  const metrics = options.metrics ? createServerMetrics() : undefined
  const log = options.log ?? (() => undefined)
  const ending = new AbortController()
  // every request that runs is one
  setMaxListeners(0, ending.signal)
  let closing = false
  let listening: string | undefined
  const memory = createBodyMemory({total: limits.bodyMemory, onCut: () => metrics?.cut()})
  const {allowHosts = []} = options
  const hostRule = createHostRule({access, allowHosts, listening: () => listening})
  const turns = {
    read: createLimiter(mostReading),
    write: createLimiter(mostWriting),
    // decodes what it reads, so that others would wait for it
    page: createLimiter(1),
  }
  const sizes = createAnswerSizes()
  const service = {root, access, limits, deletes, sparse, readOnly, metrics, page, log, turns}
  const running = {
    ...service,
    memory,
    hostRule,
    sizes,
    signal: ending.signal,
    isClosing: () => closing,
  }

  const {server, replaceTls} = makeServer(limits, options.tls)
  const descriptors = processDescriptors()
  descriptors.watch(server)
  const connections = watchConnections(server, options.tls ? 'secureConnection' : 'connection')
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const {socket} = request
    connections.inTurn(socket, () =>
      descriptors.during(socket, serveRequest(request, response, running)),
    )
  }
  server.on('request', onRequest)
  // anyone who waits for leave to send gets it when the body is wanted, else the answer
  server.on('checkContinue', onRequest)
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    answerClientError(error, socket, connections.isBusy(socket))
  })
  metrics?.watchRoot(root.check)
  metrics?.watchConnections(() => Promise.resolve(connections.count()))

  return {
    server,
    listen(address) {
      listening = address?.host
      return listenOn(server, options.tls ? 'https' : 'http', address)
    },
    replaceTls,
    async close(drainTime = 10_000) {
      closing = true
      const closed = new Promise((resolve) => server.close(resolve))
      connections.endIdle()
      const giveUp = setTimeout(() => {
        ending.abort(new DOMException('the server ends', 'AbortError'))
        connections.endAll()
      }, drainTime)
      await closed
      await connections.settled()
      clearTimeout(giveUp)
    },
  }
}

function makeServer(
  limits: ServerLimits,
  tls: TlsIdentity | undefined,
): {server: Server | TlsServer; replaceTls: RegistryServer['replaceTls']} {
  const options = {
    maxHeaderSize: limits.headerSize,
    headersTimeout: limits.headersTime,
    // bodies have a pace to keep instead: a layer may take hours
    requestTimeout: 0,
    keepAliveTimeout: limits.keepAliveTime,
    connectionsCheckingInterval: Math.min(1000, limits.headersTime),
    noDelay: true,
  }
  const secure = {minVersion: 'TLSv1.2', handshakeTimeout: limits.headersTime} as const
  if (tls === undefined) {
    const server = createServer(options)
    server.maxConnections = limits.connections
    return {server, replaceTls: () => undefined}
  }
  const server = createTlsServer({...options, ...secure, ...tls})
  server.maxConnections = limits.connections
  return {server, replaceTls: (identity) => server.setSecureContext({...secure, ...identity})}
}
