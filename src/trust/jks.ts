import {createHash, timingSafeEqual} from 'node:crypto'
import {type KeystoreEntry, KeystoreUnreadable} from './keystore-entry.js'

const magic = 0xfeed_feed
const trusted = 2
const privateKey = 1
const digestSize = 20
/** What JDKs and distributions protect their lists of authorities with. */
const password = 'changeit'

export function isJks(bytes: Uint8Array): boolean {
  return bytes.length > 4 && Buffer.from(bytes).readUInt32BE(0) === magic
}

/**
 * A keystore of Java's own format with more certificates at its end. Throws `KeystoreUnreadable`
 * for what is not one, and for one of another password than Java's usual one.
 * https://github.com/openjdk/jdk/blob/jdk-21%2B35/src/java.base/share/classes/sun/security/provider/JavaKeyStore.java
 */
export function addToJks(store: Uint8Array, added: readonly KeystoreEntry[]): Uint8Array {
  const {version, count, body} = open(store)
  const entries = added.map(({alias, certificate}) =>
    Buffer.concat([
      number(trusted),
      text(alias),
      // the time at which it was added: none, so that equal stores are equal bytes
      Buffer.alloc(8),
      ...(version === 1 ? [] : [text('X.509')]),
      number(certificate.length),
      certificate,
    ]),
  )
  const head = [number(magic), number(version), number(count + added.length)]
  const data = Buffer.concat([...head, body, ...entries])
  return Buffer.concat([data, digestOf(data)])
}

/** An empty keystore. */
export function emptyJks(): Uint8Array {
  const data = Buffer.concat([number(magic), number(2), number(0)])
  return Buffer.concat([data, digestOf(data)])
}

/** The certificates of authorities in it. Throws `KeystoreUnreadable`. */
export function entriesOfJks(store: Uint8Array): KeystoreEntry[] {
  const {version, count, body} = open(store)
  let at = 0
  const take = (length: number): Buffer => {
    if (at + length > body.length) throw new KeystoreUnreadable('it is cut off')
    at += length
    return body.subarray(at - length, at)
  }
  const takeNumber = (): number => take(4).readUInt32BE(0)
  const takeText = (): string => take(take(2).readUInt16BE(0)).toString('latin1')
  const takeCertificate = (): Buffer => {
    if (version === 2) takeText()
    return take(takeNumber())
  }
  const entries: KeystoreEntry[] = []
  for (let entry = 0; entry < count; entry++) {
    const tag = takeNumber()
    const alias = takeText()
    take(8)
    if (tag === trusted) entries.push({alias, certificate: takeCertificate()})
    else if (tag === privateKey) {
      take(takeNumber())
      for (let left = takeNumber(); left > 0; left--) takeCertificate()
    } else throw new KeystoreUnreadable('it holds an entry of an unknown kind')
  }
  return entries
}

function open(store: Uint8Array): {version: number; count: number; body: Buffer} {
  const bytes = Buffer.from(store)
  if (bytes.length < 12 + digestSize) throw new KeystoreUnreadable('it is cut off')
  const [version, count] = [bytes.readUInt32BE(4), bytes.readUInt32BE(8)]
  if (version !== 1 && version !== 2) throw new KeystoreUnreadable('it is of an unknown version')
  const data = bytes.subarray(0, -digestSize)
  if (!timingSafeEqual(digestOf(data), bytes.subarray(-digestSize)))
    throw new KeystoreUnreadable(`its password is not ${password}`)
  return {version, count, body: data.subarray(12)}
}

function digestOf(data: Uint8Array): Buffer {
  const key = Buffer.from(password, 'utf16le').swap16()
  return createHash('sha1').update(key).update('Mighty Aphrodite').update(data).digest()
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1')
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes])
}
