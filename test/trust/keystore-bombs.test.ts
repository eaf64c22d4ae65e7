import * as fc from 'fast-check'
import {createHash} from 'node:crypto'
import {describe, expect, it} from 'vitest'
import {der, derTag, InvalidDer, readDer} from '../../src/trust/der.js'
import {addToJks, emptyJks, entriesOfJks, isJks} from '../../src/trust/jks.js'
import {KeystoreUnreadable} from '../../src/trust/keystore-entry.js'
import {pemBlocks} from '../../src/trust/pem.js'
import {addToPkcs12, entriesOfPkcs12} from '../../src/trust/pkcs12.js'
import {subjectHash} from '../../src/trust/subject-hash.js'
import {makeCertificate} from '../support/certificate.js'

const certificate = pemBlocks(makeCertificate().certificate)[0]!.bytes!
const added = [{alias: 'inject-a', certificate}]

/** A JKS with a digest that is right, whatever is in it. */
function sealed(data: Uint8Array): Uint8Array {
  const key = Buffer.from('changeit', 'utf16le').swap16()
  const hash = createHash('sha1').update(key).update('Mighty Aphrodite').update(data)
  return Buffer.concat([data, hash.digest()])
}

describe('a keystore that is not one', () => {
  const head = Buffer.from('feedfeed0000000200000001', 'hex')
  it.each([
    ['cut off', Buffer.from('feedfeed', 'hex')],
    ['of another version', sealed(Buffer.from('feedfeed0000000900000000', 'hex'))],
    ['with an entry that is missing', sealed(head)],
    ['with a certificate of 4 GiB', sealed(Buffer.concat([head, longEntry()]))],
    ['with an unknown entry', sealed(Buffer.concat([head, Buffer.alloc(64, 7)]))],
  ])('as JKS: %s', (_, store) => {
    expect(() => entriesOfJks(store)).toThrow(KeystoreUnreadable)
  })

  it('as PKCS #12: whatever bytes come', () => {
    fc.assert(
      fc.property(fc.uint8Array({maxLength: 200}), (bytes) => {
        expect(() => addToPkcs12(bytes, added)).toThrow(KeystoreUnreadable)
      }),
    )
  })

  it('as PKCS #12: every part that may be cut off', () => {
    const info = der(derTag.sequence)
    const store = der(derTag.sequence, der(derTag.integer, Buffer.from([3])), info)
    for (let length = 0; length <= store.length; length++)
      expect(() => entriesOfPkcs12(store.subarray(0, length))).toThrow(KeystoreUnreadable)
  })
})

function longEntry(): Buffer {
  const text = (value: string) =>
    Buffer.concat([Buffer.from([0, value.length]), Buffer.from(value)])
  return Buffer.concat([
    Buffer.from('00000002', 'hex'),
    text('a'),
    Buffer.alloc(8),
    text('X.509'),
    Buffer.from('ffffffff', 'hex'),
  ])
}

it('a keystore of ours is one, and holds what was added', () => {
  const store = addToJks(emptyJks(), added)
  expect(isJks(store)).toBe(true)
  expect(entriesOfJks(store)).toEqual(added)
  expect(entriesOfJks(addToJks(store, added))).toHaveLength(2)
})

describe('DER', () => {
  it.each([
    ['nothing', ''],
    ['no length', '30'],
    ['a length without an end', '3080'],
    ['a length of five bytes', '30850000000001'],
    ['more than there is', '300500'],
    ['a tag of several bytes', '3f810100'],
    ['two elements', '05000500'],
  ])('is not %s', (_, hex) => {
    expect(() => readDer(Buffer.from(hex, 'hex'))).toThrow(InvalidDer)
  })

  it.each([0, 127, 128, 255, 256, 70_000])('of %i bytes is read as it was written', (length) => {
    const value = Buffer.alloc(length, 7)
    expect(Buffer.from(readDer(der(derTag.octets, value)).value)).toEqual(value)
  })

  it('that is not a certificate has no subject', () => {
    expect(() => subjectHash(der(derTag.sequence))).toThrow(InvalidDer)
    expect(() => subjectHash(certificate.subarray(0, 100))).toThrow(InvalidDer)
  })
})

describe('PEM', () => {
  it('ignores what is around blocks, and sees those without an end', () => {
    const begin = '-----BEGIN CERTIFICATE-----'
    const text = `# a\n${begin}\nAAAA\n-----END CERTIFICATE-----\nb\n${begin}\n`
    expect(pemBlocks(text)).toEqual([
      {label: 'CERTIFICATE', bytes: Buffer.alloc(3)},
      {label: 'CERTIFICATE', bytes: undefined},
    ])
    expect(pemBlocks('-----BEGIN ')).toEqual([])
  })

  it('is read in a time that grows with its length, also if nothing ends', () => {
    const text = '-----BEGIN CERTIFICATE-----\n'.repeat(20_000)
    expect(pemBlocks(text)).toHaveLength(20_000)
  })
})
