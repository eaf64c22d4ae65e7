import {once} from 'node:events'
import type {Server} from 'node:http'
import type {AddressInfo} from 'node:net'
import {LocalIoError, UsageError} from '../../errors.js'
import {quoted} from '../../oci/quoted.js'

export interface ListenAddress {
  /** A name or an address, IPv6 without brackets. */
  readonly host: string
  readonly port: number
}

/**
 * Reads `HOST:PORT` and `[::1]:PORT`; of `:PORT` the host is every address of this machine. Throws
 * `UsageError` (`ERR_INJECT_ADDRESS_INVALID`).
 */
export function parseListenAddress(text: string): ListenAddress {
  const [, bracketed, plain, digits] =
    /^(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]*)):(\d{1,5})$/i.exec(text) ?? []
  const port = Number(digits)
  if (digits !== undefined && port < 65_536) return {host: bracketed ?? (plain || '::'), port}
  throw new UsageError(
    'ERR_INJECT_ADDRESS_INVALID',
    `not an address to listen on: ${quoted(text)}`,
    {
      hint: 'write HOST:PORT, as in 127.0.0.1:5000',
    },
  )
}

/** Whether only this machine can reach it. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host)
}

/** `HOST:PORT`, as `parseListenAddress` reads it. */
export function shownAddress({host, port}: ListenAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/**
 * Listens, on loopback and any free port unless told otherwise. Throws `LocalIoError`
 * (`ERR_INJECT_LISTEN_FAILED`).
 */
export async function listenOn(
  server: Server,
  scheme: 'http' | 'https',
  {host = '127.0.0.1', port = 0}: Partial<ListenAddress> = {},
): Promise<{readonly url: string}> {
  try {
    server.listen({host, port})
    await once(server, 'listening')
  } catch (error) {
    throw listenFailed(error as NodeJS.ErrnoException, shownAddress({host, port}))
  }
  // failures to accept one connection are not the end of the others
  server.on('error', () => undefined)
  const {port: given} = server.address() as AddressInfo
  return {url: `${scheme}://${shownAddress({host, port: given})}`}
}

function listenFailed(cause: NodeJS.ErrnoException, where: string): LocalIoError {
  const reasons: Partial<Record<string, string>> = {
    EADDRINUSE: 'somebody listens there already',
    EADDRNOTAVAIL: 'this machine has no such address',
    EACCES: 'permission denied',
    ENOTFOUND: 'no such host',
  }
  const reason = reasons[cause.code ?? ''] ?? cause.code ?? cause.message
  return new LocalIoError(
    'ERR_INJECT_LISTEN_FAILED',
    `cannot listen on ${quoted(where)}: ${reason}`,
    {cause},
  )
}
