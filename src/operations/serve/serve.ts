import {UsageError} from '../../errors.js'
import type {AccessRecord} from '../../server/http/access-record.js'
import {defaultLimits, type ServerLimits} from '../../server/http/limits.js'
import {isLoopback, type ListenAddress, shownAddress} from '../../server/http/listen.js'
import {createRegistryServer, type RegistryServer} from '../../server/registry-server.js'
import type {RepositoryRoot} from '../../store/repository.js'
import {collectPeriodically} from './collect-periodically.js'
import type {Ports} from '../../ports.js'
import {findFolders} from './folders.js'
import {loadSecrets, type SecretFiles} from './secrets.js'

/** One address and the folder of repositories that is served there. */
export interface ServeListener extends ListenAddress {
  readonly directory: string
}

export interface ServeOptions extends SecretFiles {
  /** The listeners; each folder is a registry of its own. */
  readonly listeners: readonly ServeListener[]
  /** Allow other machines to reach a registry without TLS or without a login. */
  readonly insecureBind: boolean
  readonly readOnly: boolean
  readonly deletes: boolean
  readonly sparse: boolean
  readonly limits: Partial<ServerLimits>
  /** Names by which clients know this registry, besides its addresses. */
  readonly allowHosts: readonly string[]
  /** How long running requests may take at shutdown, in milliseconds. */
  readonly drainTime: number
  /** Time between two garbage collections, in milliseconds; absent: no collections. */
  readonly collectEvery?: number | undefined
}

export interface ServePorts extends Pick<Ports, 'report' | 'signal'> {
  readonly openRoot: (directory: string) => Promise<RepositoryRoot>
  /** Called when all listeners accept requests; addresses in the order of the listeners. */
  readonly onReady: (urls: readonly string[]) => void
  readonly log: (record: AccessRecord) => void
  /**
   * Registers a callback for when passwords and certificates must be read again; the returned
   * function unregisters it.
   */
  readonly onReload: (reload: () => void) => () => void
}

/**
 * Serves until the signal aborts, then lets the running requests end. Throws only before it is
 * ready.
 */
export async function serve(options: ServeOptions, ports: ServePorts): Promise<void> {
  const {listeners, insecureBind, drainTime, collectEvery} = options
  if (!insecureBind) for (const each of listeners) refuseExposure(each, options)
  const folders = await findFolders(listeners.map(({directory}) => directory))
  const secrets = await loadSecrets(options)
  // belongs to the process, so that the listeners share it
  const bodyMemory = Math.floor(defaultLimits.bodyMemory / listeners.length)
  const roots = new Map<string, RepositoryRoot>()
  const servers: RegistryServer[] = []
  let stopCollecting: (() => Promise<void>) | undefined
  try {
    const urls: string[] = []
    for (const {directory, ...address} of listeners) {
      ports.signal.throwIfAborted()
      const path = folders.get(directory) ?? directory
      const root = roots.get(path) ?? (await ports.openRoot(path))
      roots.set(path, root)
      const server = createRegistryServer({
        root,
        access: secrets.access,
        tls: secrets.tls,
        limits: {bodyMemory, ...options.limits},
        allowHosts: options.allowHosts,
        deletes: options.deletes,
        sparse: options.sparse,
        readOnly: options.readOnly,
        metrics: true,
        page: true,
        log: ports.log,
      })
      servers.push(server)
      urls.push((await server.listen(address)).url)
    }
    const stopReloading = ports.onReload(() => {
      void secrets.reload(servers).then(
        () => ports.report({kind: 'notice', message: 'passwords and certificates were read again'}),
        (error: unknown) =>
          ports.report({
            kind: 'warning',
            message: `the old passwords and certificates stay: ${String(error)}`,
          }),
      )
    })
    if (collectEvery !== undefined)
      stopCollecting = collectPeriodically([...roots.values()], collectEvery, ports)
    ports.onReady(urls)
    const lost = [...roots.values()].flatMap((root) => root.lost ?? [])
    await aborted(AbortSignal.any([ports.signal, ...lost]))
    stopReloading()
    if (!ports.signal.aborted) lost.find(({aborted: isLost}) => isLost)?.throwIfAborted()
  } finally {
    await Promise.all([stopCollecting?.(), ...servers.map((server) => server.close(drainTime))])
    await secrets.close()
    for (const root of roots.values()) await root.close()
  }
}

/** A registry that other machines can reach needs a login and TLS. */
function refuseExposure(listener: ServeListener, {htpasswd, tls}: SecretFiles): void {
  if (isLoopback(listener.host)) return
  const missing = [
    ...(htpasswd ? [] : ['passwords (--auth)']),
    ...(tls ? [] : ['TLS (--tls-cert, --tls-key)']),
  ]
  if (missing.length === 0) return
  const message = `other machines could reach ${shownAddress(listener)}, without ${missing.join(' and without ')}`
  throw new UsageError('ERR_INJECT_BIND_REFUSED', message, {
    hint: 'listen on 127.0.0.1, give what is missing, or use --insecure-bind',
  })
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise((done) => signal.addEventListener('abort', done, {once: true}))
}
