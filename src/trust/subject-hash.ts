import {createHash} from 'node:crypto'
import {der, type DerElement, derTag, membersOf, readDer, valueOf} from './der.js'

/**
 * The name under which OpenSSL looks for a certificate in a folder, as in `5f5a1d3c.0`: a hash of
 * its subject in OpenSSL's canonical form, 8 hexadecimal digits. Throws `InvalidDer`.
 * https://docs.openssl.org/3.0/man1/openssl-rehash/
 */
export function subjectHash(certificate: Uint8Array): string {
  const names = membersOf(subjectOf(certificate), derTag.sequence)
  const canonical = Buffer.concat(names.map(canonicalName))
  return createHash('sha1').update(canonical).digest().readUInt32LE(0).toString(16).padStart(8, '0')
}

/** https://www.rfc-editor.org/rfc/rfc5280#section-4.1 */
function subjectOf(certificate: Uint8Array): DerElement | undefined {
  const [body] = membersOf(readDer(certificate), derTag.sequence)
  const members = membersOf(body, derTag.sequence)
  // version (which may be absent), serial number, algorithm, issuer, validity, subject
  const start = members[0]?.tag === derTag.explicit ? 1 : 0
  return members[start + 4]
}

function canonicalName(set: DerElement): Buffer {
  const entries = membersOf(set, derTag.set).map((entry) => {
    const [type, value] = membersOf(entry, derTag.sequence)
    if (!type || !value) return Buffer.from(entry.whole)
    return der(derTag.sequence, der(derTag.oid, valueOf(type, derTag.oid)), canonicalValue(value))
  })
  return der(derTag.set, ...entries.sort((a, b) => Buffer.compare(a, b)))
}

/** Texts in UTF-8 and lower case, without blanks at their ends or beside each other. */
function canonicalValue(value: DerElement): Uint8Array {
  const text = textOf(value)
  if (text === undefined) return value.whole
  const plain = text.replaceAll(/^[\t-\r ]+|[\t-\r ]+$/g, '').replaceAll(/[\t-\r ]+/g, ' ')
  const lower = plain.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
  return der(derTag.utf8, Buffer.from(lower, 'utf8'))
}

/** `undefined` for a value that is not one of the texts that OpenSSL compares. */
function textOf({tag, value}: DerElement): string | undefined {
  const bytes = Buffer.from(value)
  if (tag === derTag.utf8) return bytes.toString('utf8')
  if (latinTexts.has(tag)) return bytes.toString('latin1')
  const width = tag === derTag.bmp ? 2 : tag === universal ? 4 : 0
  if (width === 0 || bytes.length % width > 0) return undefined
  const points = Array.from({length: bytes.length / width}, (_, at) =>
    bytes.readUIntBE(at * width, width),
  )
  return points.some((point) => point > 0x10ffff) ? undefined : String.fromCodePoint(...points)
}

/** PrintableString, T61String, IA5String, VisibleString. */
const latinTexts: ReadonlySet<number> = new Set([0x13, 0x14, 0x16, 0x1a])
const universal = 0x1c
