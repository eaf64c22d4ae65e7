import {accessSync, constants} from 'node:fs'
import {tmpdir} from 'node:os'
import {localIoError} from '../../disk/local-io-error.js'
import {AuthenticationError, UsageError} from '../../errors.js'
import type {Ports} from '../../ports.js'
import type {Transport} from '../../registry/net/transport.js'
import {explicitCredentials} from './explicit-credentials.js'

export interface StoreFlags {
  /** Instead of what the flags and the environment say. */
  readonly credentials?: {readonly username: string; readonly password: string} | undefined
  readonly username?: string | undefined
  readonly 'password-stdin': boolean
  readonly authfile?: string | undefined
  readonly 'plain-http'?: boolean | undefined
  readonly insecure: boolean
  readonly 'tls-verify'?: string | undefined
  readonly 'ca-file'?: string | undefined
  readonly 'cert-dir'?: string | undefined
  readonly 'cert-file'?: string | undefined
  readonly 'key-file'?: string | undefined
  readonly mirror?: readonly string[] | undefined
  readonly 'retry-times'?: number | undefined
  readonly 'retry-delay'?: number | undefined
}

/**
 * How an operation gets at the repository that a reference names, with the credentials that flags
 * and environment give. They are looked at when the first one is opened, of whatever kind: a
 * command that needs none does not fail on them.
 */
export function storeOpener(
  flags: StoreFlags,
  {report, signal}: Pick<Ports, 'report' | 'signal'>,
): Ports['openStore'] {
  let given: ReturnType<typeof explicitCredentials> | undefined
  let givenTo: string | undefined
  let transport: Transport | undefined
  const onNotice = (message: string): void => report({kind: 'notice', message})
  const onWait = (host: string, milliseconds: number): void =>
    report({kind: 'waiting', host, milliseconds})
  return async (reference, {writes, create, noClobber, chunkSize, onRequest}) => {
    if (flags.authfile !== undefined) checkReadable(flags.authfile)
    const credentials =
      flags.credentials ??
      (await (given ??= explicitCredentials(flags, process.env, () => process.stdin)))
    if (reference.kind === 'layout') {
      const {openLayoutStore} = await import('../../store/layout/layout-store.js')
      return openLayoutStore(reference.directory, {create})
    }
    if (reference.kind === 'fast') {
      const {openFastFolder} = await import('../../fast/store.js')
      return openFastFolder(reference, {writes: writes || create === true})
    }
    if (reference.kind !== 'registry') {
      const {openArchive} = await import('../../archive/open-archive.js')
      return openArchive(reference, {writes, create, noClobber, signal, temporary: tmpdir()})
    }
    if (credentials) {
      // they were given for one registry, and nobody said which
      if (givenTo !== undefined && givenTo !== reference.registry)
        throw ambiguousCredentials(givenTo, reference.registry)
      givenTo = reference.registry
    }
    const {openRegistryStore} = await import('../../registry/registry-store.js')
    const {openTransport} = await import('../../registry/net/open-transport.js')
    const options = {...networkOptions(flags), onNotice, onWait}
    if (!transport && options.insecure) {
      report({
        kind: 'warning',
        message: 'certificates are not checked: anyone could pose as the registry',
      })
    }
    transport ??= openTransport(options)
    return openRegistryStore(reference, {
      ...options,
      transport,
      credentials,
      authFile: flags.authfile,
      writes,
      chunkSize,
      onRequest,
      signal,
    })
  }
}

function ambiguousCredentials(one: string, other: string): UsageError {
  return new UsageError(
    'ERR_INJECT_CREDENTIALS_AMBIGUOUS',
    `the given user name and password are for one registry, and there are two: ${one} and ${other}`,
    {hint: 'log in to both by inject login'},
  )
}

/** What the flags say about how registries are reached, as `openRegistryStore` takes it. */
export function networkOptions(flags: StoreFlags) {
  const {'retry-times': times, 'retry-delay': firstDelay} = flags
  return {
    plainHttp: flags['plain-http'],
    insecure: flags.insecure || flags['tls-verify'] === 'false',
    tls: {
      caFile: flags['ca-file'],
      certDir: flags['cert-dir'],
      certFile: flags['cert-file'],
      keyFile: flags['key-file'],
    },
    mirrors: flags.mirror,
    retries: {
      ...(times !== undefined && {attempts: times + 1}),
      ...(firstDelay !== undefined && {firstDelay}),
    },
  }
}

/** A file that is named must be there, also where no registry will ask for what is in it. */
function checkReadable(path: string): void {
  try {
    accessSync(path, constants.R_OK)
  } catch (error) {
    const {message} = localIoError(error, 'read', path)
    throw new AuthenticationError('ERR_INJECT_AUTH_FILE_UNREADABLE', message, {cause: error})
  }
}
