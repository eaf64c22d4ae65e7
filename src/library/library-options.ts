import {type StoreFlags, storeOpener} from '../cli/ports/store-opener.js'
import type {Ports, ProgressEvent} from '../ports.js'

/**
 * What every function of the library takes: how registries are reached, who is told, and when to
 * stop. All of it may be left out.
 */
export interface LibraryOptions {
  /** Ends the work with the signal's reason; what was begun at a registry is tidied up first. */
  readonly signal?: AbortSignal | undefined
  /** Called with steps, bytes, notices and warnings; without it nobody is. */
  readonly onEvent?: ((event: ProgressEvent) => void) | undefined
  /**
   * For the registry; default: what podman's and docker's files, or INJECT_USERNAME and
   * INJECT_PASSWORD, say.
   */
  readonly credentials?: {readonly username: string; readonly password: string} | undefined
  /** The one file of credentials to look into, instead of the usual ones. */
  readonly authFile?: string | undefined
  /** TLS or not; default: TLS, but not on loopback. */
  readonly plainHttp?: boolean | undefined
  /** Certificates are not checked. */
  readonly insecure?: boolean | undefined
  /** PEM file of authorities to trust besides the usual ones. */
  readonly caFile?: string | undefined
  /** Addresses that blobs are asked for first. */
  readonly mirrors?: readonly string[] | undefined
}

/** The ports of an operation, as these options have them. */
export function libraryPorts(options: LibraryOptions): Ports {
  const {onEvent = () => undefined, signal = new AbortController().signal} = options
  const watched = {report: onEvent, signal}
  return {openStore: storeOpener(networkSettings(options), watched), ...watched}
}

/** How registries are reached, as the flags of the commands have it. */
export function networkSettings(options: LibraryOptions): StoreFlags {
  const {insecure = false, mirrors: mirror, authFile: authfile, credentials} = options
  return {
    insecure,
    mirror,
    authfile,
    credentials,
    'password-stdin': false,
    'plain-http': options.plainHttp,
    'ca-file': options.caFile,
  }
}
