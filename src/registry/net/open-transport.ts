import type {LookupFunction} from 'node:net'
import {setTimeout as sleep} from 'node:timers/promises'
import {homeFolder} from '../../disk/home-folder.js'
import type {HttpTimeouts} from './http.js'
import {createProxyLookup} from './proxy.js'
import type {RetryPorts} from './retry-policy.js'
import {createTransport, type Transport} from './transport.js'
import {createTrust, type TrustOptions} from '../tls/trust.js'

/** How registries are reached, as far as it is the same for all that one run talks to. */
export interface TransportOptions {
  /** Certificates, besides what the environment and `certs.d` say. */
  readonly tls?: Omit<TrustOptions, 'env' | 'home' | 'onNotice'> | undefined
  /** Certificates are not checked, the proxy's own excepted. */
  readonly insecure?: boolean | undefined
  readonly timeouts?: Partial<HttpTimeouts> | undefined
  /** Requests per host that are on their way at once; default 6. */
  readonly parallel?: number | undefined
  readonly userAgent?: string | undefined
  /** Hears what the user should know and what is no failure. */
  readonly onNotice?: ((text: string) => void) | undefined
  /** What stands for the machine in tests; default: the real one. */
  readonly ports?: TransportPorts | undefined
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  readonly home?: string | undefined
}

interface TransportPorts extends Partial<Pick<RetryPorts, 'sleep'>> {
  /** How names of hosts become addresses, where no proxy does that. */
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
 * The transport of this machine: its proxies, its certificates. Nothing is read or sent before the
 * first request.
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

/** The machine's clock, chance and pauses, as far as `options` have no others. */
export function retryPorts({
  ports,
  onNotice,
}: Pick<TransportOptions, 'onNotice'> & {
  readonly ports?: Partial<RetryPorts> | undefined
}): RetryPorts {
  return {
    sleep: sleepOrAbort,
    random: () => Math.random(),
    now: () => Date.now(),
    ...ports,
    ...(onNotice && {onNotice}),
  }
}

/** The promise API wraps the signal's reason; here it comes as it is. */
export async function sleepOrAbort(milliseconds: number, signal?: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, signal && {signal}).catch((error: unknown) => {
    signal?.throwIfAborted()
    throw error
  })
}
