import type {LookupFunction} from 'node:net'
import {guardedExchange} from './guarded-lookup.js'
import {createHttp, type SendRequest, type HttpRequest, type HttpTimeouts} from './http.js'
import {createKnownSecrets, type KnownSecrets} from '../credentials/known-secrets.js'
import {createLanes} from './lanes.js'
import {createHostPauses, type HostPauses} from './pauses.js'
import type {ProxyLookup} from './proxy.js'
import {createRoutes} from './routes.js'
import {secretsOf} from '../credentials/secrets.js'
import type {TrustLookup} from '../tls/trust.js'
import {createWarnings} from './warnings.js'

export interface TransportSettings {
  readonly userAgent: string
  readonly timeouts: HttpTimeouts
  readonly proxyFor: ProxyLookup
  readonly trustFor: TrustLookup
  /** Do not check certificates. */
  readonly insecure: boolean
  /** Concurrent requests per host, with uploads counted separately. */
  readonly parallel: number
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>
  /** Resolves host names; default: the system's resolver. */
  readonly lookup?: LookupFunction | undefined
  onNotice?(text: string): void
}

/**
 * What all stores of one run share: connections, waits that hosts asked for, and warnings that were
 * already shown.
 */
export interface Transport {
  /** The exchange for one registry, by its name in references and its address. */
  exchangeFor(registry: {readonly name: string; readonly url: URL}): SendRequest
  readonly pauses: HostPauses
  /**
   * The credentials that went through it, and secrets that were added: errors and notices must not
   * contain them.
   */
  readonly secrets: KnownSecrets
  /**
   * Registers a user of the transport; call the result once to leave. The last one to leave closes
   * all connections.
   */
  join(): () => void
}

export function createTransport(settings: TransportSettings): Transport {
  const routes = createRoutes({...settings, connect: settings.timeouts.connect})
  const lanes = createLanes(settings.parallel)
  const secrets = createKnownSecrets()
  const warn = createWarnings((text) => settings.onNotice?.(text), secrets)
  let ended = new AbortController()
  let users = 0
  const pauses = createHostPauses((milliseconds) => settings.sleep(milliseconds, ended.signal))

  return {
    pauses,
    secrets,
    exchangeFor({name, url: registry}) {
      const http = createHttp({
        ...settings,
        routeTo: (url) => routes.find(url, url.origin === registry.origin ? name : undefined),
      })
      const guarded = guardedExchange(http, registry, settings.lookup)
      return async (request) => {
        const {url, signal} = request
        secrets.add(secretsOf(undefined, [request.headers?.['authorization']]))
        const leave = await lanes.enter(url.host, laneOf(request), signal)
        try {
          await pauses.clear(url.host, signal)
          const response = await guarded(request)
          secrets.add(response.secrets)
          if (url.origin === registry.origin) warn(name, response)
          return response
        } finally {
          leave()
        }
      }
    },
    join() {
      users++
      let inside = true
      return () => {
        if (!inside) return
        inside = false
        if (--users > 0) return
        routes.close()
        ended.abort(new Error('closed'))
        ended = new AbortController()
      }
    },
  }
}

/** A body that is small enough is in memory. */
function laneOf({body}: HttpRequest): 'ask' | 'send' {
  return body && (body.length ?? Infinity) > 1024 * 1024 ? 'send' : 'ask'
}
