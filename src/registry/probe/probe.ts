import type {IncomingHttpHeaders} from 'node:http'
import {homeFolder} from '../../disk/home-folder.js'
import type {InjectError} from '../../errors.js'
import type {RequestedAccess} from '../auth/authorization.js'
import {createBlobReader} from '../api/blobs.js'
import {openConnection} from '../api/connection.js'
import type {CredentialLookup} from '../credentials/credential.js'
import {readHttpHeaders} from '../credentials/http-headers.js'
import type {HttpRequest, HttpResponse} from '../net/http.js'
import {createManifestReader, type ManifestReader} from '../api/manifests.js'
import {openTransport, retryPorts} from '../net/open-transport.js'
import {createProxyLookup, type Proxy} from '../net/proxy.js'
import {followRedirects} from '../net/redirects.js'
import {registryAddress} from '../registry-address.js'
import type {RegistryStoreOptions} from '../registry-store.js'
import {defaultRetryPolicy} from '../net/retry-policy.js'
import {refusal} from '../net/status-error.js'
import {probeTls, type TlsFacts} from './tls-probe.js'
import {createTagLister} from '../api/tags.js'
import {type SeenExchange, watchTransport} from './watched-transport.js'
import type {BlobReader, CallOptions, ManifestStore} from '../../store/content-store.js'
import type {WithRetries} from '../net/with-retries.js'

/** An answer of any status. */
export interface ProbeAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly url: URL
  /** The answer as an error; `undefined` below 400. */
  readonly failure: InjectError | undefined
}

export interface ProbeQuestion extends Pick<
  HttpRequest,
  'method' | 'headers' | 'body' | 'signal' | 'patience'
> {
  /**
   * Relative to the repository, such as `manifests/v1`; or an absolute address, such as that of an
   * upload.
   */
  readonly at: string | URL
  readonly access: RequestedAccess
  /** Send even after an abort; for the cleanup. */
  readonly afterAbort?: boolean
}

/**
 * The raw answers of a registry, which a content store hides, over the store's own transport,
 * credentials and tokens.
 */
export interface Probe {
  /** The address of the registry's API. */
  readonly registry: URL
  /** `undefined`: there is no proxy. */
  readonly proxy: Proxy | undefined
  /**
   * Sends one request, logged in as usual; retries when the connection fails or the registry is
   * busy.
   */
  ask(question: ProbeQuestion): Promise<ProbeAnswer>
  /** Sends an anonymous `GET /v2/`. */
  ping(options?: CallOptions): Promise<ProbeAnswer>
  tls(options?: CallOptions): Promise<TlsFacts>
  /** The requests and answers so far, including those for tokens. */
  readonly seen: readonly SeenExchange[]
  readonly reader: BlobReader & ManifestReader & Pick<ManifestStore, 'listTags'>
  readonly withRetries: WithRetries
  close(): void
}

/** A registry that breaks a connection twice in a row also breaks it for other clients. */
const attempts = 3
/** Answers that depend on the moment, not on the request. */
const busy: ReadonlySet<number> = new Set([429, 503])
const answers = Array.from({length: 500}, (_, index) => index + 100).filter(
  (status) => !busy.has(status),
)

/**
 * Nothing is sent before the first request. An empty repository stands for the registry as a whole.
 */
export function openProbe(
  reference: {readonly registry: string; readonly repository: string},
  options: RegistryStoreOptions & {readonly credentials: CredentialLookup},
): Probe {
  const {env = process.env, home = homeFolder(), signal} = options
  const transport = watchTransport(openTransport(options))
  const registry = registryAddress(reference.registry, options)
  const uid = process.getuid?.()
  const retries = {...defaultRetryPolicy, ...options.retries}
  const connection = openConnection({
    ...reference,
    transport,
    plainHttp: registry.protocol === 'http:',
    credentials: options.credentials,
    headers: () => readHttpHeaders({authFile: options.authFile, env, home, uid}),
    retries: {...retries, attempts: Math.min(retries.attempts, attempts)},
    ports: retryPorts(options),
    writes: options.writes ?? false,
    signal,
  })
  const plain = transport.exchangeFor({name: reference.registry, url: registry})

  return {
    registry,
    proxy: createProxyLookup(env)(registry),
    seen: transport.seen,
    reader: {
      ...createBlobReader(connection),
      ...createManifestReader(connection),
      ...createTagLister(connection),
    },
    withRetries: connection.withRetries,
    ask({at, ...question}) {
      const url = typeof at === 'string' ? connection.url(at) : at
      const call = {...question, url, accept: answers}
      return connection.call(call, (response) => answerOf(call, response))
    },
    ping(call = {}) {
      const url = new URL('/v2/', registry)
      const request = {method: 'GET', url, signal: call.signal ?? signal} as const
      return connection.withRetries(
        async () => {
          const response = await followRedirects(plain, request)
          if (busy.has(response.status)) throw await refusal(request, response)
          return answerOf(request, response)
        },
        {signal: request.signal},
      )
    },
    tls: (call = {}) =>
      connection.withRetries(
        () => probeTls({...options.tls, ...options, env, home}, reference.registry, registry, call),
        {...call, attempts: 1},
      ),
    close: () => connection.close(),
  }
}

async function answerOf(
  request: Pick<HttpRequest, 'method' | 'url'>,
  response: HttpResponse,
): Promise<ProbeAnswer> {
  const {status, headers, url} = response
  if (status < 400) await response.discard()
  const failure = status < 400 ? undefined : (await refusal(request, response)).failure
  return {status, headers, url, failure}
}
