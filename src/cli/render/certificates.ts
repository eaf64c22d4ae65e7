import type {CertificateList, ListedCertificate} from '../../operations/certs/list-certificates.js'
import {escapedLine} from './text/escape.js'

/** A paragraph for each certificate; nothing without certificates. */
export function renderCertificates({certificates}: CertificateList): string | undefined {
  if (certificates.length === 0) return undefined
  return certificates.map(renderCertificate).join('\n')
}

function renderCertificate({
  subject,
  fingerprint,
  validTo,
  slot,
  paths,
}: ListedCertificate): string {
  return [
    escapedLine(subject === '' ? '(no subject)' : subject),
    `  sha256:${fingerprint}`,
    `  valid until ${validTo}, by slot ${slot}`,
    ...paths.map((path) => `  in ${escapedLine(path)}`),
  ].join('\n')
}
