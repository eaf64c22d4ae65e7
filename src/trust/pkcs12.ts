import {createHash, createHmac, timingSafeEqual} from 'node:crypto'
import {der, type DerElement, derTag, InvalidDer, membersOf, readDer, valueOf} from './der.js'
import {type KeystoreEntry, KeystoreUnreadable} from './keystore-entry.js'

/** What JDKs protect their lists of authorities with, if with anything. */
const password = 'changeit'
/** As many as JDKs ever used, and some. */
const mostIterations = 1_000_000

const oids = {
  data: oid('2a864886f70d010701'),
  certificateBag: oid('2a864886f70d010c0a0103'),
  x509: oid('2a864886f70d01091601'),
  friendlyName: oid('2a864886f70d010914'),
  /** Java's own: what makes a certificate that of an authority. */
  trustedKeyUsage: oid('6086480186f966adca7b0101'),
  anyUsage: oid('551d2500'),
}
const hashes: ReadonlyMap<string, string> = new Map([
  ['2b0e03021a', 'sha1'],
  ['608648016503040201', 'sha256'],
])

/**
 * A PKCS #12 keystore with more certificates at its end, unencrypted, as JDKs have theirs since 18.
 * One with a checksum gets a new one. Throws `KeystoreUnreadable` for what is not a keystore, and
 * for one of another password than Java's usual one.
 * https://www.rfc-editor.org/rfc/rfc7292
 */
export function addToPkcs12(store: Uint8Array, added: readonly KeystoreEntry[]): Uint8Array {
  return reading(() => {
    const {version, safes, mac} = open(store)
    const bags = der(derTag.sequence, ...added.map(bagOf))
    const all = der(derTag.sequence, ...safes.map(({whole}) => whole), dataContent(bags))
    const key = mac && checkMac(mac, wrapped(safes))
    const members = [version.whole, dataContent(all), ...(key ? [macOf(key, all)] : [])]
    return der(derTag.sequence, ...members)
  })
}

/** The unencrypted certificates in it. Throws `KeystoreUnreadable`. */
export function entriesOfPkcs12(store: Uint8Array): KeystoreEntry[] {
  return reading(() => {
    const {safes} = open(store)
    return safes.flatMap((safe) => {
      const content = contentOf(safe)
      if (!content) return []
      return membersOf(readDer(content), derTag.sequence).flatMap((bag) => entryOf(bag) ?? [])
    })
  })
}

function reading<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof InvalidDer)) throw error
    throw new KeystoreUnreadable('it is not a keystore that inject knows')
  }
}

interface OpenStore {
  readonly version: DerElement
  readonly safes: readonly DerElement[]
  readonly mac: DerElement | undefined
}

function open(store: Uint8Array): OpenStore {
  const [version, safe, mac] = membersOf(readDer(store), derTag.sequence)
  const content = safe && contentOf(safe)
  if (!version || !content) throw new InvalidDer('not a keystore')
  return {version, safes: membersOf(readDer(content), derTag.sequence), mac}
}

/** Of a `ContentInfo`; `undefined` for one that is encrypted. */
function contentOf(info: DerElement): Uint8Array | undefined {
  const [type, content] = membersOf(info, derTag.sequence)
  if (!type || !isSame(type.whole, oids.data)) return undefined
  const [octets] = membersOf(content, derTag.explicit)
  return valueOf(octets, derTag.octets)
}

function dataContent(content: Uint8Array): Buffer {
  const octets = der(derTag.octets, content)
  return der(derTag.sequence, oids.data, der(derTag.explicit, octets))
}

function wrapped(safes: readonly DerElement[]): Buffer {
  return der(derTag.sequence, ...safes.map(({whole}) => whole))
}

function bagOf({alias, certificate}: KeystoreEntry): Buffer {
  const name = der(derTag.bmp, Buffer.from(alias, 'utf16le').swap16())
  const attributes = [
    der(derTag.sequence, oids.friendlyName, der(derTag.set, name)),
    der(derTag.sequence, oids.trustedKeyUsage, der(derTag.set, oids.anyUsage)),
  ].sort((a, b) => Buffer.compare(a, b))
  const octets = der(derTag.explicit, der(derTag.octets, certificate))
  const bag = der(derTag.explicit, der(derTag.sequence, oids.x509, octets))
  return der(derTag.sequence, oids.certificateBag, bag, der(derTag.set, ...attributes))
}

function entryOf(bag: DerElement): KeystoreEntry | undefined {
  const [type, content, attributes] = membersOf(bag, derTag.sequence)
  if (!type || !attributes || !isSame(type.whole, oids.certificateBag)) return undefined
  const [certificate] = membersOf(content, derTag.explicit)
  const [, value] = membersOf(certificate, derTag.sequence)
  const [octets] = membersOf(value, derTag.explicit)
  const alias = membersOf(attributes, derTag.set)
    .map(nameIn)
    .find((name) => name !== undefined)
  return {alias: alias ?? '', certificate: valueOf(octets, derTag.octets)}
}

function nameIn(attribute: DerElement): string | undefined {
  const [type, values] = membersOf(attribute, derTag.sequence)
  if (!type || !isSame(type.whole, oids.friendlyName)) return undefined
  const [name] = membersOf(values, derTag.set)
  const text = Buffer.from(valueOf(name, derTag.bmp))
  return text.length % 2 > 0 ? undefined : text.swap16().toString('utf16le')
}

/** How a checksum is made. */
interface MacKey {
  readonly hash: string
  readonly algorithm: DerElement
  readonly salt: DerElement
  readonly iterations: DerElement | undefined
  readonly key: Buffer
}

/** Throws `KeystoreUnreadable` where the checksum shows another password. */
function checkMac(mac: DerElement, content: Uint8Array): MacKey {
  const [info, salt, iterations] = membersOf(mac, derTag.sequence)
  const [algorithm, digest] = membersOf(info, derTag.sequence)
  const [type] = membersOf(algorithm, derTag.sequence)
  const hash = hashes.get(Buffer.from(valueOf(type, derTag.oid)).toString('hex'))
  const bytes = iterations ? Buffer.from(valueOf(iterations, derTag.integer)) : Buffer.from([1])
  const rounds =
    bytes.length > 0 && bytes.length <= 6 ? bytes.readUIntBE(0, bytes.length) : Infinity
  if (!hash || !algorithm || !salt || rounds > mostIterations)
    throw new KeystoreUnreadable('its checksum is of an unknown kind')
  const key = deriveKey(hash, valueOf(salt, derTag.octets), rounds)
  const expected = createHmac(hash, key).update(content).digest()
  const found = Buffer.from(valueOf(digest, derTag.octets))
  if (found.length !== expected.length || !timingSafeEqual(found, expected))
    throw new KeystoreUnreadable(`its password is not ${password}`)
  return {hash, algorithm, salt, iterations, key}
}

function macOf({hash, algorithm, salt, iterations, key}: MacKey, content: Uint8Array): Buffer {
  const digest = createHmac(hash, key).update(content).digest()
  const info = der(derTag.sequence, algorithm.whole, der(derTag.octets, digest))
  return der(derTag.sequence, info, salt.whole, ...(iterations ? [iterations.whole] : []))
}

/** https://www.rfc-editor.org/rfc/rfc7292#appendix-B.2, for a key as long as the hash. */
function deriveKey(hash: string, salt: Uint8Array, iterations: number): Buffer {
  const block = 64
  const text = Buffer.from(`${password}\0`, 'utf16le').swap16()
  let key = Buffer.concat([Buffer.alloc(block, 3), repeated(salt, block), repeated(text, block)])
  for (let round = 0; round < iterations; round++) key = createHash(hash).update(key).digest()
  return key
}

/** As often as it takes to fill blocks. */
function repeated(bytes: Uint8Array, block: number): Buffer {
  return Buffer.alloc(Math.ceil(bytes.length / block) * block, bytes)
}

function oid(hex: string): Buffer {
  return der(derTag.oid, Buffer.from(hex, 'hex'))
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
