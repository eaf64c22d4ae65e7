import {existsSync} from 'node:fs'
import {join} from 'node:path'
import {homeFolder} from '../disk/home-folder.js'
import {registryUrl} from './net/endpoint.js'
import type {TransportOptions} from './net/open-transport.js'
import {certsFolders} from './tls/certs-d.js'

export interface RegistryAddressOptions extends Pick<
  TransportOptions,
  'tls' | 'insecure' | 'home'
> {
  /** Use TLS or not; `undefined`: TLS, except on loopback without certificates for it. */
  readonly plainHttp?: boolean | undefined
  /** Certificates (PEM) to trust besides the ones that Node brings. */
  readonly certificateAuthority?: readonly string[] | undefined
}

/**
 * The root address of a registry, from its name in references: http if `options` say so or, by
 * default, on loopback; else https.
 */
export function registryAddress(registry: string, options: RegistryAddressOptions): URL {
  return registryUrl(
    registry,
    options.plainHttp ?? (wantsTls(registry, options) ? false : undefined),
  )
}

/** Without a flag for TLS, a certificate asks for it. */
function wantsTls(registry: string, options: RegistryAddressOptions): boolean {
  const {caFile, certDir, certFile, keyFile} = options.tls ?? {}
  const asked = [options.certificateAuthority, options.insecure, caFile, certDir, certFile, keyFile]
  if (asked.some((value) => value !== undefined && value !== false)) return true
  const folders = options.tls?.certsFolders ?? certsFolders(options.home ?? homeFolder())
  return folders.some((folder) => existsSync(join(folder, registry)))
}
