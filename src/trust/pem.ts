/** A certificate as PEM, with lines of 64 characters: one spelling for one certificate. */
export function formatPem(certificate: Uint8Array): string {
  const text = Buffer.from(certificate).toString('base64')
  return `-----BEGIN CERTIFICATE-----\n${text.replaceAll(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n`
}

/** A block of PEM. */
export interface PemBlock {
  /** `CERTIFICATE`, `PRIVATE KEY`. */
  readonly label: string
  /** `undefined` for what is not base64. */
  readonly bytes: Uint8Array | undefined
}

/**
 * The blocks of a text, in their order; text between them is ignored. A block without an end is one
 * without bytes.
 * https://www.rfc-editor.org/rfc/rfc7468
 */
export function pemBlocks(text: string): PemBlock[] {
  const [, ...parts] = text.split(begin)
  return parts.flatMap((part) => {
    const close = part.indexOf(dashes)
    const label = part.slice(0, Math.max(close, 0))
    if (!/^[A-Z0-9 ]{1,64}$/.test(label)) return []
    const end = part.indexOf(`-----END ${label}-----`, close)
    return [{label, bytes: end < 0 ? undefined : decoded(part.slice(close + dashes.length, end))}]
  })
}

const dashes = '-----'
const begin = '-----BEGIN '

function decoded(text: string): Uint8Array | undefined {
  const plain = text.replaceAll(/\s+/g, '')
  return /^[A-Za-z0-9+/]+={0,2}$/.test(plain) ? Buffer.from(plain, 'base64') : undefined
}
