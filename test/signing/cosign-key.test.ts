import {createPublicKey, generateKeyPairSync} from 'node:crypto'
import {describe, expect, it} from 'vitest'
import {isCosignKey, parseCosignKey} from '../../src/signing/cosign-key.js'
import {pemOf} from '../../src/signing/key-signer.js'
import {cosignKey, type CosignKeyJson, cosignPem} from '../support/cosign-key.js'

const pair = () => generateKeyPairSync('ec', {namedCurve: 'P-256'})

/** Made by cosign 3.1.2, for this test only. */
const made = {
  password: 'of a test',
  key: `-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----
eyJrZGYiOnsibmFtZSI6InNjcnlwdCIsInBhcmFtcyI6eyJOIjo2NTUzNiwiciI6
OCwicCI6MX0sInNhbHQiOiIvSjV5NktxQ3c1NEFPejY3VGRZbDBJWVh4bWdQdDV1
RTlZLzFXU3hiY3hJPSJ9LCJjaXBoZXIiOnsibmFtZSI6Im5hY2wvc2VjcmV0Ym94
Iiwibm9uY2UiOiJQWlhzUEg3cDBocTRrcDRVZlloVlY3c2lYMUs0TXAxTSJ9LCJj
aXBoZXJ0ZXh0IjoiUVhlSEIxMEdLRHdmNmQzQVZUNW9ZemVGeGtaY3VkNzU1QXpa
OTkxZ0JzaUZGZ21BK0ZMMG1iWGgvdVlnMHVDa2hZNzhpbGhvWm1PTjVEdGhrckwy
ZnE5UzUxQ05RQ1hBc2hPOEV5amM5bVZWQUR2SUZRRjMwOXc3MDRRNnF4UVpkUW1N
OVBzMjhHdnk0SWdqMkRTcHl4enhOZ3hxWXh4Uzl1TkRWaFJIQXpSMno1bHJPak42
UUE4TEZHdFJtdGRZamxqdkpRaUJqTUQvWHc9PSJ9
-----END ENCRYPTED SIGSTORE PRIVATE KEY-----
`,
  publicKey: `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqxlyoYS2a6D8Rnes5EMVDhNmwYKz
oW4rMmWQ/QL57ccjkcUfPwBOdfdszWIvyB/pUJYh1QkIq2iJvpgVuoi9tQ==
-----END PUBLIC KEY-----
`,
}

const refusal = async (pem: string, password: string | undefined = 'pass') =>
  parseCosignKey(pem, password, '"key.pem"').then(
    () => 'read',
    (error: unknown) => error as Error,
  )

describe("a key in cosign's own format", () => {
  it('is read as cosign wrote it', async () => {
    expect(isCosignKey(made.key)).toBe(true)
    const key = await parseCosignKey(made.key, made.password, 'x')
    expect(pemOf(createPublicKey(key))).toBe(made.publicKey)
  })

  it.each(['SIGSTORE', 'COSIGN'] as const)('is read with the name %s', async (label) => {
    const {privateKey} = pair()
    const pem = cosignKey(privateKey, 'pass', {label})
    expect(isCosignKey(pem)).toBe(true)
    expect((await parseCosignKey(pem, 'pass', 'x')).equals(privateKey)).toBe(true)
  })

  it('may have an empty password', async () => {
    const {privateKey} = pair()
    const key = await parseCosignKey(cosignKey(privateKey, ''), '', 'x')
    expect(key.equals(privateKey)).toBe(true)
  })

  it('is read with its password only, which is in no error', async () => {
    const pem = cosignKey(pair().privateKey, 'c4nary')
    for (const [wrong, why] of [
      [undefined, 'is encrypted'],
      ['', 'cannot be decrypted'],
      ['c4narx', 'cannot be decrypted'],
    ] as const) {
      const error = await parseCosignKey(pem, wrong, '"key.pem"').catch((e: unknown) => e as Error)
      expect(error).toMatchObject({
        code: 'ERR_INJECT_SIGN_KEY_INVALID',
        message: `the key in "key.pem" ${why}`,
        hint: 'set INJECT_SIGN_PASSWORD or COSIGN_PASSWORD to its password',
      })
      expect(error).not.toHaveProperty('cause')
      expect(String((error as Error).stack)).not.toMatch(/c4nar/)
    }
  })

  const huge = {N: 2 ** 30, r: 8, p: 1}
  it.each([
    ['more memory than 256 MiB', huge],
    ['more memory by its blocks', {N: 2 ** 16, r: 2 ** 20, p: 1}],
    ['more work in parallel', {N: 2 ** 16, r: 8, p: 64}],
    ['numbers beyond all measure', {N: 2 ** 53, r: 2 ** 50, p: 2 ** 50}],
    ['a cost that is not a power of two', {N: 65_535, r: 8, p: 1}],
    ['a cost of one', {N: 1, r: 8, p: 1}],
    ['costs that make no sense together', {N: 2 ** 18, r: 1, p: 1}],
    ['more memory beside that of its cost', {N: 2, r: 2 ** 20, p: 2}],
  ])('is refused before any work if it asks for %s', async (_, params) => {
    expect(await refusal(cosignKey(pair().privateKey, 'pass', {params}))).toMatchObject({
      message: 'the key in "key.pem" asks for more work than a key may',
    })
  })

  const edits: Record<string, (document: CosignKeyJson) => void> = {
    'another function for the key': ({kdf}) => (kdf.name = 'pbkdf2'),
    'another cipher': ({cipher}) => (cipher.name = 'aes'),
    'a short nonce': ({cipher}) => (cipher.nonce = 'AAAA'),
    'a box that is not base64': (document) => (document.ciphertext = '***'),
    'an empty box': (document) => (document.ciphertext = ''),
    'no cost': ({kdf}) => (kdf.params = {}),
    'a cost in words': ({kdf}) => (kdf.params['N'] = '65536'),
    'a negative cost': ({kdf}) => (kdf.params['r'] = -8),
    'a broken cost': ({kdf}) => (kdf.params['p'] = 1.5),
  }
  it.each(Object.entries(edits))('is refused with %s', async (_, edit) => {
    expect(await refusal(cosignKey(pair().privateKey, 'pass', {edit}))).toMatchObject({
      message: `the key in "key.pem" is not a key in cosign's format`,
    })
  })

  it.each([
    ['not JSON', cosignPem('{')],
    ['a list', cosignPem('[]')],
    ['without its end', cosignPem('{}').split('\n')[0]!],
  ])('is refused when it is %s', async (_, pem) => {
    expect(await refusal(pem)).toMatchObject({code: 'ERR_INJECT_SIGN_KEY_INVALID'})
  })

  it('is refused if a byte of its box is changed, or another key is in it', async () => {
    const changed = cosignKey(pair().privateKey, 'pass', {
      edit: (document) => {
        const bytes = Buffer.from(document.ciphertext, 'base64')
        bytes[20]! ^= 1
        document.ciphertext = bytes.toString('base64')
      },
    })
    expect(await refusal(changed)).toMatchObject({
      message: expect.stringContaining('cannot be decrypted') as string,
    })
    expect(await refusal(cosignKey(Buffer.from('no key at all'), 'pass'))).toMatchObject({
      message: 'the key in "key.pem" does not hold a private key',
    })
    const {privateKey} = generateKeyPairSync('ec', {namedCurve: 'P-384'})
    expect(await refusal(cosignKey(privateKey, 'pass'))).toMatchObject({
      message: expect.stringContaining('not supported') as string,
    })
  })
})
