import type {LookupFunction} from 'node:net'
import {guardedExchange} from './guarded-lookup.js'
import {createHttp, type SendRequest, type HttpRequest, type HttpTimeouts} from './http.js'
import {createKnownSecrets, type KnownSecrets} from './known-secrets.js'
import {createLanes} from './lanes.js'
import {createHostPauses, type HostPauses} from './pauses.js'
import type {ProxyLookup} from './proxy.js'
import {createRoutes} from './routes.js'
import {secretsOf} from './secrets.js'
import type {TrustLookup} from '../tls/trust.js'
import {createWarnings} from './warnings.js'

export interface TransportSettings {
  readonly userAgent: string
  readonly timeouts: HttpTimeouts
  readonly proxyFor: ProxyLookup
  readonly trustFor: TrustLookup
  /** Certificates are not checked. */
  readonly insecure: boolean
  /** Requests per host that are on their way at once, uploads counted apart. */
  readonly parallel: number
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>
  /** How names become addresses; default: as the system does. */
  readonly lookup?: LookupFunction | undefined
  onNotice?(text: string): void
}

/**
 * What all stores of one run share: connections, the waits that hosts have asked for, and what was
 * said already.
 */
export interface Transport {
  /** For one registry, as references name it and where it answers. */
  exchangeFor(registry: {readonly name: string; readonly url: URL}): SendRequest
  readonly pauses: HostPauses
  /**
   * What went through it for logging in, and what else is added: errors and notices must be
   * without.
   */
  readonly secrets: KnownSecrets
  /** Takes part; call what it gives, once, to leave. The last one out ends all connections. */
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
