import {generateKeyPairSync, type KeyObject} from 'node:crypto'
import {describe, expect, it} from 'vitest'
import {decodeBundle} from '../../src/attest/bundle.js'
import {createKeySigner, hintOf} from '../../src/signing/key-signer.js'
import {isEncryptedKey, parsePrivateKey, parsePublicKey} from '../../src/signing/parse-key.js'
import {keyChecks} from '../../src/signing/signature-checks.js'
import {thrownBy} from '../support/thrown-by.js'

const pairs = {
  'ECDSA on P-256': () => generateKeyPairSync('ec', {namedCurve: 'P-256'}),
  RSA: () => generateKeyPairSync('rsa', {modulusLength: 2048}),
  Ed25519: () => generateKeyPairSync('ed25519'),
} satisfies Record<string, () => {privateKey: KeyObject; publicKey: KeyObject}>

const privatePem = (key: KeyObject, password?: string) =>
  key
    .export({
      type: 'pkcs8',
      format: 'pem',
      ...(password !== undefined && {cipher: 'aes-256-cbc', passphrase: password}),
    })
    .toString()
const publicPem = (key: KeyObject) => key.export({type: 'spki', format: 'pem'}).toString()

describe.each(Object.entries(pairs))('a key of %s', (_, make) => {
  it('signs what its public key proves, and no other key does', async () => {
    const {privateKey, publicKey} = make()
    const signer = createKeySigner(parsePrivateKey(privatePem(privateKey), undefined, 'x'))
    const bundle = decodeBundle(await signer.sign(Buffer.from('{}')))
    const key = parsePublicKey(publicPem(publicKey), 'x')
    expect(bundle.signer).toEqual({kind: 'key', hint: hintOf(key)})
    expect(await keyChecks(key).bundle(bundle)).toMatchObject({valid: true})
    expect(await keyChecks(make().publicKey).bundle(bundle)).toMatchObject({valid: false})
  })

  it('is read with its password only, which is in no error', () => {
    const pem = privatePem(make().privateKey, 'c4nary')
    expect(isEncryptedKey(pem)).toBe(true)
    expect(parsePrivateKey(pem, 'c4nary', 'x').type).toBe('private')
    for (const wrong of [undefined, '', 'c4narx']) {
      const error = thrownBy(() => parsePrivateKey(pem, wrong, '"key.pem"'))
      expect(error).toMatchObject({
        code: 'ERR_INJECT_SIGN_KEY_INVALID',
        message: 'the key in "key.pem" cannot be decrypted',
      })
      expect(String((error as Error).stack)).not.toMatch(/c4nar/)
    }
  })
})

describe('a key is refused', () => {
  it.each([
    ['of P-384', () => generateKeyPairSync('ec', {namedCurve: 'P-384'}), /not supported/],
    ['of secp256k1', () => generateKeyPairSync('ec', {namedCurve: 'secp256k1'}), /not supported/],
    ['of RSA with 1,024 bits', () => generateKeyPairSync('rsa', {modulusLength: 1024}), /not supp/],
    ['of X25519', () => generateKeyPairSync('x25519'), /not supported/],
  ] as const)('%s', (_, make, why) => {
    const {privateKey, publicKey} = make()
    expect(() => parsePrivateKey(privatePem(privateKey), undefined, 'x')).toThrow(why)
    expect(() => parsePublicKey(publicPem(publicKey), 'x')).toThrow(why)
  })

  it.each([
    ['no text', ''],
    ['no PEM', 'c4nary'],
    [
      'a PEM with rubbish in it',
      '-----BEGIN PRIVATE KEY-----\nc4nary\n-----END PRIVATE KEY-----\n',
    ],
    [
      'a key in the format of cosign',
      '-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nc4nary\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n',
    ],
  ])('that is %s, and not repeated', (_, text) => {
    const error = thrownBy(() => parsePrivateKey(text, undefined, 'x'))
    expect(error).toMatchObject({code: 'ERR_INJECT_SIGN_KEY_INVALID'})
    expect(String((error as Error).stack)).not.toContain('c4nary')
  })

  it('that is a certificate, which says nothing of who signs', () => {
    const pem = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
    expect(() => parsePublicKey(pem, 'x')).toThrow(/is a certificate$/)
  })

  it('that is private where a public one is asked for', () => {
    const {privateKey} = pairs.Ed25519()
    expect(() => parsePublicKey(privatePem(privateKey), 'x')).toThrow(/is a private key$/)
  })
})
