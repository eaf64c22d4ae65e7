/** A certificate as PEM, with lines of 64 characters: one spelling for one certificate. */
export function formatPem(certificate: Uint8Array): string {
  const text = Buffer.from(certificate).toString('base64')
  return `-----BEGIN CERTIFICATE-----\n${text.replaceAll(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n`
}

/** One block of PEM: its label, and its bytes; `undefined` where these are not base64. */
export interface PemBlock {
  /** `CERTIFICATE`, `PRIVATE KEY`. */
  readonly label: string
  readonly bytes: Uint8Array | undefined
}

/**
 * The blocks of a text, in their order; text between them is ignored. A block without an end is one
 * without bytes.
 * https://www.rfc-editor.org/rfc/rfc7468
 */
export function pemBlocks(text: string): PemBlock[] {
  const blocks: PemBlock[] = []
  for (let at = text.indexOf(begin); at >= 0; at = text.indexOf(begin, at + 1)) {
    const close = text.indexOf(dashes, at + begin.length)
    const label = close < 0 ? '' : text.slice(at + begin.length, close)
    if (!/^[A-Z0-9 ]{1,64}$/.test(label)) continue
    const end = text.indexOf(`-----END ${label}-----`, close)
    const next = text.indexOf(begin, close)
    const isClosed = end >= 0 && (next < 0 || end < next)
    blocks.push({label, bytes: isClosed ? decoded(text.slice(close + 5, end)) : undefined})
  }
  return blocks
}

const dashes = '-----'
const begin = '-----BEGIN '

function decoded(text: string): Uint8Array | undefined {
  const plain = text.replaceAll(/\s+/g, '')
  return /^[A-Za-z0-9+/]+={0,2}$/.test(plain) ? Buffer.from(plain, 'base64') : undefined
}
