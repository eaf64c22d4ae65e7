import {type RequestedAccess, createAuthorization} from '../auth/authorization.js'
import type {CredentialLookup} from '../credentials/credential.js'
import {registryUrl} from '../net/endpoint.js'
import type {HttpRequest, HttpResponse} from '../net/http.js'
import type {ExtraHeaders} from '../credentials/http-headers.js'
import {type RetryPolicy, type RetryPorts} from '../net/retry-policy.js'
import {secretsOf} from '../credentials/secrets.js'
import {refusal} from '../net/status-error.js'
import type {Transport} from '../net/transport.js'
import type {RefusedError, TransportError} from '../net/transport-error.js'
import {
  createRetries,
  finalError,
  type RetryOptions,
  type WithRetries,
} from '../net/with-retries.js'

/** One request to the repository, and the accepted statuses; any other status is an error. */
export interface Call extends HttpRequest {
  readonly access: RequestedAccess
  readonly accept: readonly number[]
  /** Send even if the store's own signal is aborted; for the cleanup. */
  readonly afterAbort?: boolean
}

/**
 * Turns an accepted answer into a value. It must read the body as far as it is needed, so that a
 * body that breaks off is requested again.
 */
type Consume<T> = (response: HttpResponse) => Promise<T>

/**
 * One repository of one registry, through which its blobs, uploads, manifests and tags are
 * requested.
 */
export interface Connection {
  /** `registry.example/team/app`, for messages. */
  readonly name: string
  readonly repository: string
  /** The registry's root. */
  readonly registry: URL
  /** The address of `path` below the repository, such as `tags/list`. */
  url(path: string): URL
  /** Retries as often as is sensible. Throws only `InjectError` and the signal's reason. */
  call<T>(call: Call, consume: Consume<T>, options?: RetryOptions<T>): Promise<T>
  /**
   * Tries once, logging in if needed. Throws `TransportError` and `RefusedError` for the caller's
   * own `withRetries`.
   */
  once<T>(call: Call, consume: Consume<T>): Promise<T>
  readonly withRetries: WithRetries
  /** Converts a `TransportError` or `RefusedError` that is not retried to an `InjectError`. */
  failureOf(error: TransportError | RefusedError): Error
  /**
   * Waits. Throws the reason of `signal`, and that of the store's own signal unless `afterAbort` is
   * set.
   */
  pause(milliseconds: number, options: Pick<Call, 'signal' | 'afterAbort'>): Promise<void>
  close(): void
}

export interface ConnectionSettings {
  readonly transport: Transport
  readonly registry: string
  readonly repository: string
  /** `undefined`: the usual address. */
  readonly plainHttp: boolean | undefined
  readonly credentials: CredentialLookup
  /** The user's own, see `readHttpHeaders`. */
  readonly headers?: (() => Promise<ExtraHeaders>) | undefined
  readonly retries: RetryPolicy
  readonly ports: RetryPorts
  /**
   * Request every token with the right to push, so that an early read does not cost a second token.
   */
  readonly writes: boolean
  /** Aborts all requests. */
  readonly signal?: AbortSignal | undefined
  /** Called before each request, those for tokens aside. */
  readonly onRequest?: (() => void) | undefined
}

export function openConnection(settings: ConnectionSettings): Connection {
  const {registry: host, repository} = settings
  const {secrets} = settings.transport
  const ports: RetryPorts = {
    ...settings.ports,
    onNotice: (text) => settings.ports.onNotice?.(secrets.strike(text)),
  }
  const registry = registryUrl(host, settings.plainHttp)
  const leave = settings.transport.join()
  const retrying = createRetries(settings.retries, ports, settings.transport.pauses)
  // all errors leave through here
  const withRetries: WithRetries = (work, options) => secrets.guard(retrying(work, options))
  const send = createAuthorization({
    registry,
    repository,
    credentials: async () => {
      const credential = await settings.credentials()
      secrets.add(secretsOf(credential, []))
      return credential
    },
    headers: async () => {
      const headers = (await settings.headers?.()) ?? {}
      secrets.add(secretsOf(undefined, Object.values(headers)))
      return headers
    },
    exchange: settings.transport.exchangeFor({name: host, url: registry}),
    withRetries,
    now: () => ports.now(),
  })
  const signalFor = ({
    signal,
    afterAbort,
  }: Pick<Call, 'signal' | 'afterAbort'>): AbortSignal | undefined => {
    const common = afterAbort ? undefined : settings.signal
    return signal && common ? AbortSignal.any([signal, common]) : (signal ?? common)
  }

  const once = async <T>(call: Call, consume: Consume<T>): Promise<T> => {
    const access = settings.writes && call.access === 'pull' ? 'push' : call.access
    settings.onRequest?.()
    const response = await send({...call, signal: signalFor(call)}, access)
    if (call.accept.includes(response.status)) return consume(response)
    throw await refusal(call, response)
  }
  return {
    name: `${host}/${repository}`,
    repository,
    registry,
    url: (path) => new URL(`/v2/${repository}/${path}`, registry),
    once: (call, consume) => secrets.guard(once(call, consume)),
    call: (call, consume, options) =>
      withRetries(() => once(call, consume), {signal: signalFor(call), ...options}),
    withRetries,
    failureOf(error) {
      const failure = finalError(error, 1)
      secrets.strikeError(failure)
      return failure
    },
    pause: (milliseconds, options) => ports.sleep(milliseconds, signalFor(options)),
    close: leave,
  }
}

/** For callers that need only the status and the headers. */
export async function headersOnly(response: HttpResponse): Promise<HttpResponse> {
  await response.discard()
  return response
}
