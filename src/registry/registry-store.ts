import {homedir} from 'node:os'
import {setTimeout as sleep} from 'node:timers/promises'
import type {ContentStore} from '../store/content-store.js'
import {createBlobReader} from './blobs.js'
import {openConnection} from './connection.js'
import type {CredentialLookup} from './credential.js'
import {createCredentialLookup} from './credentials.js'
import type {HttpTimeouts} from './http.js'
import {createManifestWriter} from './manifest-writer.js'
import {createManifestReader} from './manifests.js'
import {defaultRetryPolicy, type RetryPolicy, type RetryPorts} from './retry.js'
import {createTagLister} from './tags.js'
import {createBlobWriter} from './uploads.js'

export interface RegistryStoreOptions {
  /** Wins over all files. Sent to this registry and its token server only. */
  readonly credentials?: {readonly username: string; readonly password: string} | undefined
  /** The one file of credentials to look into, instead of the usual ones. */
  readonly authFile?: string | undefined
  /** No TLS, for a registry that is not on loopback (where there is none anyway, unless there are certificates to trust). */
  readonly plainHttp?: boolean | undefined
  /** It will be written to: tokens are asked for with that right from the start. */
  readonly writes?: boolean | undefined
  /** Certificates (PEM) to trust instead of the ones that Node brings. */
  readonly certificateAuthority?: readonly string[] | undefined
  readonly timeouts?: Partial<HttpTimeouts> | undefined
  readonly retries?: Partial<RetryPolicy> | undefined
  readonly userAgent?: string | undefined
  /** Ends whatever the store is doing; the tidying up of uploads still happens. */
  readonly signal?: AbortSignal | undefined
  /** Hears what the user should know and what is no failure. */
  readonly onNotice?: ((text: string) => void) | undefined
  /** What stands for the machine in tests; default: the real one. */
  readonly ports?: Partial<Pick<RetryPorts, 'sleep' | 'random' | 'now'>> | undefined
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  readonly home?: string | undefined
}

const defaultTimeouts: HttpTimeouts = {
  connect: 10_000,
  response: 60_000,
  commit: 10 * 60_000,
  idle: 60_000,
}

/** One repository of a registry that speaks the distribution API. Nothing is sent before the first call. */
export function openRegistryStore(
  reference: {readonly registry: string; readonly repository: string},
  options: RegistryStoreOptions = {},
): ContentStore {
  const {registry, repository} = reference
  const connection = openConnection({
    registry,
    repository,
    // no flag is no wish for TLS, but a certificate is
    plainHttp: options.plainHttp ? true : options.certificateAuthority && false,
    writes: options.writes ?? false,
    credentials: credentialsFor(reference, options),
    userAgent: options.userAgent ?? 'inject',
    certificateAuthority: options.certificateAuthority,
    timeouts: {...defaultTimeouts, ...options.timeouts},
    retries: {...defaultRetryPolicy, ...options.retries},
    signal: options.signal,
    ports: {
      sleep: async (milliseconds, signal) => {
        await sleep(milliseconds, undefined, signal && {signal}).catch((error: unknown) => {
          // the promise API wraps the reason
          signal?.throwIfAborted()
          throw error
        })
      },
      random: () => Math.random(),
      now: () => Date.now(),
      ...options.ports,
      ...(options.onNotice && {onNotice: options.onNotice}),
    },
  })
  const blobs = createBlobReader(connection)
  const manifests = createManifestReader(connection)
  return {
    name: connection.name,
    ...blobs,
    ...createBlobWriter(connection, blobs),
    ...manifests,
    ...createManifestWriter(connection, manifests),
    ...createTagLister(connection),
    close() {
      connection.close()
      return Promise.resolve()
    },
  }
}

function credentialsFor(
  reference: {readonly registry: string; readonly repository: string},
  {credentials, authFile, env, home, onNotice}: RegistryStoreOptions,
): CredentialLookup {
  if (credentials) return () => Promise.resolve({kind: 'password', ...credentials})
  return createCredentialLookup({
    registry: reference.registry,
    repository: reference.repository,
    authFile,
    env: env ?? process.env,
    home: home ?? homedir(),
    uid: process.getuid?.(),
    ...(onNotice && {onNotice}),
  })
}
