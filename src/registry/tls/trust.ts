import {existsSync, readdirSync} from 'node:fs'
import {delimiter, join} from 'node:path'
import tls, {createSecureContext, type SecureContext} from 'node:tls'
import {UsageError} from '../../errors.js'
import {
  type Certificates,
  certsFolders,
  type ClientCertificate,
  findCertsFolder,
  readCertificates,
  readCertsFolder,
  readClientCertificate,
} from './certs-d.js'

export interface TrustOptions {
  /** Certificates (PEM) of authorities, in addition to the ones that Node brings. */
  readonly authorities?: readonly string[] | undefined
  /** A file of such certificates. */
  readonly caFile?: string | undefined
  /** A folder of certificates as in `certs.d`, instead of the registry's own folder there. */
  readonly certDir?: string | undefined
  /** The client certificate and its key; both or none. */
  readonly certFile?: string | undefined
  readonly keyFile?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  /** The folders with the folders of single registries; default: the three usual places. */
  readonly certsFolders?: readonly string[] | undefined
  readonly onNotice?: ((text: string) => void) | undefined
}

/** The host to get certificates for. */
export interface Peer {
  readonly url: URL
  /**
   * The names of the registry itself, as in references; `undefined` for hosts that it refers to,
   * which never get the client certificate of the flags.
   */
  readonly registry: string | undefined
}

/**
 * The trusted certificates and the client certificate for a host; `undefined`: Node's defaults.
 * Throws `UsageError` and `LocalIoError`.
 */
export type TrustLookup = (peer: Peer) => SecureContext | undefined

/** All certificates that the user configured, read when a host needs them. */
export function createTrust(options: TrustOptions): TrustLookup {
  let general: readonly string[] | undefined
  return ({url, registry}) => {
    general ??= generalAuthorities(options)
    const own = ownCertificates(options, url, registry)
    const authorities = [...general, ...own.authorities]
    if (authorities.length === 0 && !own.client) return undefined
    return contextOf(authorities, own.client, options)
  }
}

function generalAuthorities({authorities = [], caFile, env, onNotice}: TrustOptions): string[] {
  const files = caFile === undefined ? [] : [readCertificates(caFile)]
  return [...authorities, ...files, ...fromEnvironment(env, onNotice)]
}

/**
 * OpenSSL's variables, which Node ignores. A missing file is not an error, because they are set for
 * other programs.
 */
function fromEnvironment(env: TrustOptions['env'], onNotice: TrustOptions['onNotice']): string[] {
  const {SSL_CERT_FILE: file, SSL_CERT_DIR: folders} = env
  const inFolders = (folders ?? '')
    .split(delimiter)
    .flatMap((folder) => listed(folder).map((name) => join(folder, name)))
  const found: string[] = []
  if (file) {
    try {
      found.push(readCertificates(file))
    } catch (error) {
      onNotice?.(`SSL_CERT_FILE is of no use: ${error instanceof Error ? error.message : ''}`)
    }
  }
  for (const path of inFolders) {
    try {
      found.push(readCertificates(path))
    } catch {
      // such folders contain other files, too
    }
  }
  // a bundle's certificates are also there as files of their own, and again under the hashes of
  // their names
  return [...new Set(found)]
}

function listed(folder: string): string[] {
  try {
    return folder === '' ? [] : readdirSync(folder)
  } catch {
    return []
  }
}

function ownCertificates(
  options: TrustOptions,
  url: URL,
  registry: string | undefined,
): Certificates {
  const {certDir, certFile, keyFile} = options
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  const names = [...(registry ? [registry] : []), url.host, `${url.hostname}:${port}`]
  const folder =
    certDir !== undefined && registry !== undefined
      ? certDir
      : findCertsFolder(options.certsFolders ?? certsFolders(options.home), names)
  const {authorities, client}: Certificates =
    folder === undefined ? {authorities: [], client: undefined} : readCertsFolder(folder)
  if (registry === undefined || (certFile === undefined && keyFile === undefined)) {
    return {authorities, client}
  }
  if (certFile === undefined || keyFile === undefined) {
    throw new UsageError(
      'ERR_INJECT_HALF_TLS',
      certFile === undefined ? 'a key without its certificate' : 'a certificate without its key',
      {hint: 'say both --cert-file and --key-file'},
    )
  }
  return {authorities, client: readClientCertificate(certFile, keyFile)}
}

function contextOf(
  authorities: readonly string[],
  client: ClientCertificate | undefined,
  {env}: TrustOptions,
): SecureContext {
  const ca = authorities.length > 0 && besidesDefaults(authorities, env)
  const withClient = client && {cert: client.certificate, key: client.key}
  try {
    return createSecureContext({...(ca && {ca: [...ca]}), ...withClient})
  } catch (error) {
    throw new UsageError(
      'ERR_INJECT_CERTIFICATE_INVALID',
      `${client?.files ?? 'the certificates'} cannot be used: ${reasonOf(error)}`,
      {cause: error},
    )
  }
}

/** Node takes a complete list or none, so its defaults must be listed, too. */
export function besidesDefaults(
  authorities: readonly string[],
  env: TrustOptions['env'],
): readonly string[] {
  const file = env['NODE_EXTRA_CA_CERTS']
  const extra = file && existsSync(file) ? [readCertificates(file)] : []
  return [...tls.rootCertificates, ...extra, ...authorities]
}

const reasons: Readonly<Record<string, string>> = {
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: 'the key is not that of the certificate',
  ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED: 'the key is encrypted',
  ERR_OSSL_BAD_DECRYPT: 'the key is encrypted',
  ERR_MISSING_PASSPHRASE: 'the key is encrypted',
  ERR_OSSL_PEM_NO_START_LINE: 'there is nothing in PEM form in one of them',
  ERR_OSSL_UNSUPPORTED: 'one of them is in a form that is not known here',
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return reasons[code] ?? `they do not parse (${code || 'unknown'})`
}
