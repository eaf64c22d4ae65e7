import {localIoError} from '../../disk/local-io-error.js'
import {readFileOrPipe} from '../../disk/read-file-or-pipe.js'
import {LimitError, PreconditionError, UnsafeContentError, UsageError} from '../../errors.js'
import {quoted} from '../../oci/quoted.js'
import {formatTime} from '../../oci/time.js'
import {pemBlocks} from '../../trust/pem.js'
import {type Certificate, nameOf, parseCertificate} from './certificate.js'

/** Of all files together: more is not a list of authorities that somebody adds. */
const mostCertificates = 1000
/** Of one file, in bytes. */
const largestFile = 4 * 1024 * 1024

export interface ReadCertificatesOptions {
  /** Take those that are not valid now, with a warning. */
  readonly allowExpired: boolean
  /** Seconds since the epoch. */
  readonly now: number
  readonly warn: (message: string) => void
}

/**
 * The certificates of PEM files, in their order, each once. Throws `UsageError`
 * (`ERR_INJECT_CERTIFICATE_INVALID`), `UnsafeContentError` (`ERR_INJECT_PRIVATE_KEY`) for a private
 * key, `PreconditionError` (`ERR_INJECT_CERTIFICATE_EXPIRED`), `LimitError`
 * (`ERR_INJECT_TOO_MANY_CERTIFICATES`) and `LocalIoError`.
 */
export async function readCertificates(
  files: readonly string[],
  {allowExpired, now, warn}: ReadCertificatesOptions,
): Promise<readonly Certificate[]> {
  const found = new Map<string, Certificate>()
  for (const file of files) {
    const own = certificatesIn(file, (await bytesOf(file)).toString('latin1'))
    for (const certificate of own) found.set(certificate.fingerprint, certificate)
    if (found.size > mostCertificates) throw tooMany(found.size)
  }
  const certificates = [...found.values()]
  const invalid = certificates.filter(({validFrom, validTo}) => now < validFrom || now > validTo)
  if (invalid.length > 0 && !allowExpired) throw expired(invalid, now)
  for (const certificate of invalid) warn(describe(certificate, now))
  for (const certificate of certificates)
    if (!certificate.isAuthority)
      warn(`${nameOf(certificate)} is not the certificate of an authority: some programs ignore it`)
  return certificates
}

async function bytesOf(file: string): Promise<Buffer> {
  try {
    return await readFileOrPipe(file, largestFile)
  } catch (error) {
    throw localIoError(error, 'read', file)
  }
}

function certificatesIn(file: string, text: string): Certificate[] {
  const blocks = pemBlocks(text)
  if (blocks.some(({label}) => label.endsWith('PRIVATE KEY'))) {
    throw new UnsafeContentError(
      'ERR_INJECT_PRIVATE_KEY',
      `${quoted(file)} holds a private key, which everyone could read in the image`,
      {hint: 'pass a file with certificates only'},
    )
  }
  if (blocks.length > mostCertificates) throw tooMany(blocks.length)
  if (blocks.length === 0) {
    throw invalid(file, 'holds no PEM', 'convert it with openssl x509 -inform der')
  }
  return blocks.map(({label, bytes}, position) => {
    const which = `block ${position + 1} of ${quoted(file)}`
    if (label !== 'CERTIFICATE' && label !== 'X509 CERTIFICATE')
      throw invalid(which, `is ${quoted(label)}, not a certificate`)
    const certificate = bytes && parseCertificate(bytes)
    if (!certificate) throw invalid(which, 'is not a valid certificate')
    return certificate
  })
}

function invalid(what: string, why: string, hint = 'check the file'): UsageError {
  return new UsageError('ERR_INJECT_CERTIFICATE_INVALID', `${what} ${why}`, {hint})
}

function tooMany(found: number): LimitError {
  return new LimitError('ERR_INJECT_TOO_MANY_CERTIFICATES', 'too many certificates', {
    expected: mostCertificates,
    found,
  })
}

function expired(certificates: readonly Certificate[], now: number): PreconditionError {
  const [first, ...others] = certificates
  const more = others.length > 0 ? `, and ${others.length} more` : ''
  return new PreconditionError(
    'ERR_INJECT_CERTIFICATE_EXPIRED',
    `${first ? describe(first, now) : ''}${more}`,
    {hint: 'use --allow-expired to add it all the same'},
  )
}

function describe(certificate: Certificate, now: number): string {
  const {validFrom, validTo} = certificate
  return now > validTo
    ? `the certificate ${nameOf(certificate)} expired at ${formatTime(validTo)}`
    : `the certificate ${nameOf(certificate)} is not valid before ${formatTime(validFrom)}`
}
