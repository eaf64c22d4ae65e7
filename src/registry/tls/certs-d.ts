import {X509Certificate} from 'node:crypto'
import {existsSync, readdirSync} from 'node:fs'
import {join} from 'node:path'
import {errnoOf, localIoError} from '../../disk/local-io-error.js'
import {readFileOrPipeSync} from '../../disk/read-file-or-pipe.js'
import {LocalIoError, UsageError} from '../../errors.js'
import {quoted} from '../../oci/quoted.js'

/** Certificates as files hold them, in PEM. */
export interface Certificates {
  readonly authorities: readonly string[]
  /** The client certificate; the names of the files are for messages. */
  readonly client: ClientCertificate | undefined
}

export interface ClientCertificate {
  readonly certificate: string
  readonly key: string
  readonly files: string
}

/**
 * The folders for certificates of single registries; the first one with a folder for the registry
 * counts.
 */
export function certsFolders(home: string): string[] {
  return [
    join(home, '.config/containers/certs.d'),
    '/etc/containers/certs.d',
    '/etc/docker/certs.d',
  ]
}

/**
 * The folder of the registry with one of these `names` (`HOST[:PORT]`); `undefined` when there is
 * none.
 */
export function findCertsFolder(
  folders: readonly string[],
  names: readonly string[],
): string | undefined {
  return folders
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find((folder) => existsSync(folder))
}

/**
 * Reads such a folder: `*.crt` are authorities, a `*.cert` and its `*.key` the client certificate.
 * Throws `UsageError` for one without the other, `LocalIoError` for an unreadable file.
 * https://github.com/containers/image/blob/v5.36.0/docs/containers-certs.d.5.md
 */
export function readCertsFolder(folder: string): Certificates {
  const names = listed(folder).sort()
  const of = (extension: string): string[] =>
    names.filter((name) => name.endsWith(extension)).map((name) => join(folder, name))
  const pairs = of('.cert').map((certificate) => ({
    certificate,
    key: certificate.replace(/cert$/, 'key'),
  }))
  const keys = of('.key')
  const orphan =
    pairs.find(({key}) => !keys.includes(key))?.certificate ??
    keys.find((file) => !pairs.some(({key}) => key === file))
  if (orphan !== undefined) {
    const missing = orphan.endsWith('.cert') ? 'key' : 'certificate'
    throw new UsageError('ERR_INJECT_HALF_TLS', `${orphan} has no ${missing} beside it`, {
      hint: 'a client certificate is a NAME.cert and a NAME.key; an authority is a NAME.crt',
    })
  }
  const [pair] = pairs
  return {
    authorities: of('.crt').map(readCertificates),
    client: pair && readClientCertificate(pair.certificate, pair.key),
  }
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    throw localIoError(error, 'read', folder)
  }
}

/** The text of a file with certificates. Throws `UsageError` when it contains none. */
export function readCertificates(file: string): string {
  const text = readText(file)
  if (text.match(blocks)?.some(isCertificate)) return text
  throw new UsageError('ERR_INJECT_CERTIFICATE_INVALID', `there is no certificate in ${file}`, {
    hint: 'it must be in PEM: openssl x509 -inform der -outform pem makes that of other forms',
  })
}

const blocks = /-----BEGIN (?:X509 )?CERTIFICATE-----[^-]*-----END (?:X509 )?CERTIFICATE-----/g

/** Node silently ignores certificates that it cannot parse. */
function isCertificate(block: string): boolean {
  try {
    return new X509Certificate(block).raw.length > 0
  } catch {
    return false
  }
}

export function readClientCertificate(file: string, keyFile: string): ClientCertificate {
  const certificate = readCertificates(file)
  return {certificate, key: readText(keyFile), files: `${file} and ${keyFile}`}
}

/** All public authorities need less than a tenth of it. */
const largestFile = 16 * 1024 * 1024

function readText(file: string): string {
  try {
    return readFileOrPipeSync(file, largestFile).toString('utf8')
  } catch (error) {
    if (errnoOf(error) !== undefined) throw localIoError(error, 'read', file)
    const reason = error instanceof Error ? error.message : String(error)
    throw new LocalIoError('ERR_INJECT_LOCAL_IO', `cannot read ${quoted(file)}: ${reason}`)
  }
}
