import type {LookupFunction} from 'node:net'
import {setTimeout as sleep} from 'node:timers/promises'
import {homeFolder} from '../../disk/home-folder.js'
import type {HttpTimeouts} from './http.js'
import {createProxyLookup} from './proxy.js'
import type {RetryPorts} from './retry-policy.js'
import {createTransport, type Transport} from './transport.js'
import {createTrust, type TrustOptions} from '../tls/trust.js'

/** How to reach registries; the settings that all connections of a run share. */
export interface TransportOptions {
  /** Certificates, besides those of the environment and of `certs.d`. */
  readonly tls?: Omit<TrustOptions, 'env' | 'home' | 'onNotice'> | undefined
  /** Do not check certificates, except the proxy's own. */
  readonly insecure?: boolean | undefined
  readonly timeouts?: Partial<HttpTimeouts> | undefined
  /** Concurrent requests per host; default 6. */
  readonly parallel?: number | undefined
  readonly userAgent?: string | undefined
  /** Called with messages for the user that are not errors. */
  readonly onNotice?: ((text: string) => void) | undefined
  /** Called when a busy host asked to be left alone for so many milliseconds. */
  readonly onWait?: ((host: string, milliseconds: number) => void) | undefined
  /** Replaces parts of the machine in tests; default: the real ones. */
  readonly ports?: TransportPorts | undefined
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  readonly home?: string | undefined
}

interface TransportPorts extends Partial<Pick<RetryPorts, 'sleep'>> {
  /** Resolves host names, unless a proxy does that. */
  readonly lookup?: LookupFunction | undefined
}

const defaultTimeouts: HttpTimeouts = {
  connect: 10_000,
  response: 60_000,
  commit: 10 * 60_000,
  idle: 60_000,
  rateWindow: 60_000,
}

/**
 * The transport of this machine, with its proxies and certificates. Nothing is read or sent before
 * the first request.
 */
export function openTransport(options: TransportOptions): Transport {
  const {onNotice, env = process.env, home = homeFolder()} = options
  const notices = onNotice && {onNotice}
  return createTransport({
    userAgent: options.userAgent ?? 'inject',
    timeouts: {...defaultTimeouts, ...options.timeouts},
    proxyFor: createProxyLookup(env),
    trustFor: createTrust({...options.tls, env, home, ...notices}),
    insecure: options.insecure ?? false,
    parallel: options.parallel ?? 6,
    sleep: options.ports?.sleep ?? sleepOrAbort,
    lookup: options.ports?.lookup,
    ...notices,
  })
}

/** The machine's clock, random numbers and pauses, unless `options` replace them. */
export function retryPorts({
  ports,
  onNotice,
  onWait,
}: Pick<TransportOptions, 'onNotice' | 'onWait'> & {
  readonly ports?: Partial<RetryPorts> | undefined
}): RetryPorts {
  return {
    sleep: sleepOrAbort,
    random: () => Math.random(),
    now: () => Date.now(),
    ...ports,
    ...(onNotice && {onNotice}),
    ...(onWait && {onWait}),
  }
}

/** The promise API wraps the signal's reason; this rejects with the reason itself. */
export async function sleepOrAbort(milliseconds: number, signal?: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, signal && {signal}).catch((error: unknown) => {
    signal?.throwIfAborted()
    throw error
  })
}
