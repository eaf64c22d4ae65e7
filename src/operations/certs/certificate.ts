import {X509Certificate} from 'node:crypto'
import {quoted} from '../../oci/quoted.js'
import {formatPem} from '../../trust/pem.js'

/** A certificate, parsed. */
export interface Certificate {
  /** In its one spelling. */
  readonly pem: string
  readonly bytes: Uint8Array
  /** On one line, as in `O=Example, CN=Example root`. */
  readonly subject: string
  readonly issuer: string
  /** SHA-256, in lower case without colons. */
  readonly fingerprint: string
  /** Seconds since the epoch. */
  readonly validFrom: number
  readonly validTo: number
  /** Whether it may sign others. */
  readonly isAuthority: boolean
}

/** `undefined` for bytes that Node.js does not take for a certificate. */
export function parseCertificate(bytes: Uint8Array): Certificate | undefined {
  try {
    const parsed = new X509Certificate(bytes)
    const [validFrom, validTo] = [parsed.validFrom, parsed.validTo].map(
      (text) => Date.parse(text) / 1000,
    )
    if (!Number.isInteger(validFrom) || !Number.isInteger(validTo)) return undefined
    return {
      pem: formatPem(parsed.raw),
      bytes: parsed.raw,
      subject: oneLine(parsed.subject),
      issuer: oneLine(parsed.issuer),
      fingerprint: parsed.fingerprint256.replaceAll(':', '').toLowerCase(),
      validFrom: validFrom ?? 0,
      validTo: validTo ?? 0,
      isAuthority: parsed.ca,
    }
  } catch {
    return undefined
  }
}

/** For messages: its subject, or its fingerprint if it has none. */
export function nameOf({subject, fingerprint}: Certificate): string {
  return quoted(subject === '' ? fingerprint : subject)
}

/** The types say that there always is one; a certificate without a subject has `undefined`. */
function oneLine(name: string | undefined): string {
  return (name ?? '').split('\n').join(', ')
}
