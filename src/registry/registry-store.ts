import type {LookupFunction} from 'node:net'
import {homeFolder} from '../disk/home-folder.js'
import type {ContentStore} from '../store/content-store.js'
import type {RangeReader} from '../store/range-reader.js'
import type {ReferrerLister} from '../store/referrer-lister.js'
import type {RepositoryLister} from '../store/repository-lister.js'
import type {TagDeleter} from '../store/tag-deleter.js'
import type {AuthFilePlaces} from './credentials/auth-file-places.js'
import {createBlobReader} from './api/blobs.js'
import {createRepositoryLister} from './api/catalog.js'
import {type Connection, openConnection} from './api/connection.js'
import type {CredentialLookup} from './credentials/credential.js'
import {createCredentialLookup} from './credentials/credentials.js'
import {readHttpHeaders} from './credentials/http-headers.js'
import {createManifestWriter} from './api/manifest-writer.js'
import {createManifestReader} from './api/manifests.js'
import {parseMirror} from './mirror.js'
import {registryAddress, type RegistryAddressOptions} from './registry-address.js'
import {createMirroredReader} from './mirrored-reader.js'
import {openTransport, retryPorts, type TransportOptions} from './net/open-transport.js'
import {createPing, type Pingable} from './api/ping.js'
import {createReferrerLister} from './api/referrers.js'
import {defaultRetryPolicy, type RetryPolicy, type RetryPorts} from './net/retry-policy.js'
import {createTagDeleter} from './api/tag-deleter.js'
import {createTagLister} from './api/tags.js'
import type {Transport} from './net/transport.js'
import {createBlobWriter} from './upload/blob-writer.js'

export interface RegistryStoreOptions
  extends Omit<TransportOptions, 'ports'>, RegistryAddressOptions {
  /** Takes precedence over all files. Sent only to this registry and its token server. */
  readonly credentials?:
    {readonly username: string; readonly password: string} | CredentialLookup | undefined
  /** The only credential file to read, instead of the usual ones. */
  readonly authFile?: string | undefined
  /** The store will be written to, so tokens are requested with that right from the start. */
  readonly writes?: boolean | undefined
  /** Mirrors that are asked first for blobs, and for manifests by digest. */
  readonly mirrors?: readonly string[] | undefined
  /**
   * The transport that the other stores of this run use; default: a new one, made from the options.
   */
  readonly transport?: Transport | undefined
  readonly retries?: Partial<RetryPolicy> | undefined
  /**
   * Bytes of the chunks in which blobs are sent; default: one request for each blob, if the
   * registry takes it.
   */
  readonly chunkSize?: number | undefined
  /** Aborts everything the store does, except the cleanup of uploads. */
  readonly signal?: AbortSignal | undefined
  /** Called before each request, those for tokens and to mirrors aside. */
  readonly onRequest?: (() => void) | undefined
  /** Replaces parts of the machine in tests; default: the real ones. */
  readonly ports?: Partial<Pick<RetryPorts, 'sleep' | 'random' | 'now'>> & {
    /** Resolves host names. */
    readonly lookup?: LookupFunction
  }
}

/** A mirror that does not answer is soon given up in favour of the registry. */
const mirrorAttempts = 2

/**
 * One repository of a registry with the distribution API. Nothing is sent before the first call.
 */
export function openRegistryStore(
  reference: {readonly registry: string; readonly repository: string},
  options: RegistryStoreOptions = {},
): ContentStore & Pingable & ReferrerLister & RangeReader & TagDeleter & RepositoryLister {
  const transport = options.transport ?? openTransport(withAuthorities(options))
  const {onNotice} = options
  const shared = {
    transport,
    headers: () => readHttpHeaders(placesOf(options)),
    signal: options.signal,
    ports: retryPorts(options),
  }
  const retries = {...defaultRetryPolicy, ...options.retries}
  const connection = openConnection({
    ...shared,
    ...reference,
    plainHttp: registryAddress(reference.registry, options).protocol === 'http:',
    writes: options.writes ?? false,
    onRequest: options.onRequest,
    credentials: credentialsFor(reference, options),
    retries,
  })
  const openMirror = (address: string): Connection => {
    const mirror = parseMirror(address, reference)
    return openConnection({
      ...shared,
      ...mirror,
      writes: false,
      // options from the command line are for the registry, not for its mirrors
      credentials: credentialsFor(mirror, {...options, credentials: undefined}),
      retries: {...retries, attempts: Math.min(retries.attempts, mirrorAttempts)},
    })
  }
  const mirrors = (options.mirrors ?? []).map(openMirror)
  const blobs = createBlobReader(connection)
  const manifests = createManifestReader(connection)
  const reader = createMirroredReader(
    {...blobs, ...manifests},
    mirrors.map((mirror) => ({
      name: mirror.registry.host,
      ...createBlobReader(mirror),
      ...createManifestReader(mirror),
    })),
    (text) => onNotice?.(text),
  )
  return {
    name: connection.name,
    ...reader,
    readRange: blobs.readRange.bind(blobs),
    readRanges: blobs.readRanges.bind(blobs),
    // blobs to push are looked up in the registry itself, not in a mirror
    ...createBlobWriter(connection, blobs, {
      chunkSize: options.chunkSize,
      attempts: options.retries?.attempts,
      onNotice,
    }),
    ...createManifestWriter(connection, manifests),
    ...createTagLister(connection),
    ...createRepositoryLister(connection),
    ...createReferrerLister(connection),
    ...createTagDeleter(connection),
    ...createPing(connection),
    close() {
      for (const each of [connection, ...mirrors]) each.close()
      return Promise.resolve()
    },
  }
}

function withAuthorities(options: RegistryStoreOptions): TransportOptions {
  const {certificateAuthority, tls, ...rest} = options
  return {...rest, tls: {...tls, ...(certificateAuthority && {authorities: certificateAuthority})}}
}

function credentialsFor(
  reference: {readonly registry: string; readonly repository: string},
  options: RegistryStoreOptions,
): CredentialLookup {
  const {credentials, signal, onNotice} = options
  if (typeof credentials === 'function') return credentials
  if (credentials) return () => Promise.resolve({kind: 'password', ...credentials})
  const {registry, repository} = reference
  return createCredentialLookup({registry, repository, signal, onNotice, ...placesOf(options)})
}

function placesOf({authFile, env, home}: RegistryStoreOptions): AuthFilePlaces {
  const uid = process.getuid?.()
  return {authFile, env: env ?? process.env, home: home ?? homeFolder(), uid}
}
