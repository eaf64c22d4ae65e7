import {describe, expect, it} from 'vitest'
import {decodeBundle} from '../../src/attest/bundle.js'
import {createIdentityCheck} from '../../src/signing/check-signature.js'
import {identityToken} from '../../src/signing/identity-token.js'
import {createKeylessSigner} from '../../src/signing/keyless-signer.js'
import {makeToken, startSigstore} from '../support/sigstore-services.js'
import {makeParty} from '../support/attested.js'
import {rejectionOf} from '../support/thrown-by.js'

const identity = 'https://ci.example/team/app'
const issuer = 'https://issuer.example'
const expected = {identity, issuer}
const statement = Buffer.from('{"_type":"https://in-toto.io/Statement/v1"}')

async function signed() {
  const services = await startSigstore()
  const {url: fulcio, url: rekor} = services
  const signer = createKeylessSigner({fulcio, rekor}, () => Promise.resolve(makeToken(identity)))
  return {...services, bundle: decodeBundle(await signer.sign(statement))}
}

describe('an identity', () => {
  it('signs with a certificate and a log entry, which a trusted root vouches for', async () => {
    const {bundle, trustedRoot, server} = await signed()
    expect(bundle.signer).toEqual({kind: 'certificate', names: `URI:${identity}`})
    const check = await createIdentityCheck(expected, trustedRoot)
    expect(await check(bundle)).toMatchObject({valid: true, by: `${identity} (${issuer})`})
    expect(server.lines()).toEqual(['POST /api/v2/signingCert', 'POST /api/v1/log/entries'])
  })

  it.each([
    ['another name', {identity: `${identity}2`, issuer}, /^it is signed by https:\/\/ci\.example/],
    ['a part of the name', {identity: 'https://ci.example', issuer}, /^it is signed by/],
    ['a pattern', {identity: '.*', issuer}, /^it is signed by/],
    ['another issuer', {identity, issuer: 'https://other.example'}, /by the word of https:/],
  ])('is not taken for %s', async (_, other, why) => {
    const {bundle, trustedRoot} = await signed()
    const check = await createIdentityCheck(other, trustedRoot)
    expect(await check(bundle)).toEqual({valid: false, why: expect.stringMatching(why) as string})
  })

  it('counts only with a certificate authority and a log of the trusted root', async () => {
    const {bundle, trustedRoot} = await signed()
    const {trustedRoot: otherRoot} = await startSigstore()
    const [root, other] = [trustedRoot, otherRoot].map((text) => JSON.parse(text) as object)
    for (const member of ['certificateAuthorities', 'tlogs', 'ctlogs']) {
      const mixed = {...root, [member]: (other as Record<string, unknown>)[member]}
      const check = await createIdentityCheck(expected, JSON.stringify(mixed))
      expect(await check(bundle), member).toMatchObject({valid: false})
    }
  })

  it.each([
    ['without its log entry', 'tlogEntries', []],
    ['without its certificate', 'certificate', undefined],
  ])('is not believed %s', async (_, member, value) => {
    const {bundle, trustedRoot} = await signed()
    const {verificationMaterial, ...rest} = bundle.json
    const material = {...(verificationMaterial as object), [member]: value}
    const check = await createIdentityCheck(expected, trustedRoot)
    const json = {...rest, verificationMaterial: material}
    expect(await check({...bundle, json})).toMatchObject({valid: false})
  })

  it('is not a key', async () => {
    const {trustedRoot} = await startSigstore()
    const bundle = decodeBundle(await makeParty().signer.sign(statement))
    const check = await createIdentityCheck(expected, trustedRoot)
    expect(await check(bundle)).toEqual({
      valid: false,
      why: 'it is signed by a key, not by an identity',
    })
  })
})

describe('a token', () => {
  const token = makeToken(identity)

  it.each([
    ['refused', 'signingCert', 403],
    ['lost by the authority', 'signingCert', 500],
    ['lost by the log', 'entries', 500],
  ])(
    'is not repeated when it is %s',
    async (_, path, status) => {
      const echo = startSigstore((request) =>
        request.path.endsWith(path) ? {status, body: request.body} : undefined,
      )
      const {url} = await echo
      const signer = createKeylessSigner({fulcio: url, rekor: url}, () => Promise.resolve(token))
      const error = await rejectionOf(signer.sign(statement))
      expect(error).toMatchObject({code: 'ERR_INJECT_SIGNING_FAILED', name: 'NetworkError'})
      const {message, stack = '', cause} = error as Error
      expect(`${message}${stack}${String(cause)}`).not.toContain(token.slice(0, 20))
    },
    60_000,
  )

  it('that cannot be read is not repeated', async () => {
    const {url} = await startSigstore()
    const signer = createKeylessSigner({fulcio: url, rekor: url}, () =>
      Promise.resolve('secret-canary'),
    )
    const error = await rejectionOf(signer.sign(statement))
    expect(error).toMatchObject({code: 'ERR_INJECT_SIGNING_FAILED'})
    const {message, stack = '', cause} = error as Error
    expect(`${message}${stack}${String(cause)}`).not.toContain('canary')
  })

  it('goes to the authority, and not to the log', async () => {
    const services = await startSigstore()
    const {url} = services
    await createKeylessSigner({fulcio: url, rekor: url}, () => Promise.resolve(token)).sign(
      statement,
    )
    const [authority, log] = services.server.requests.map(
      ({body, headers}) => body.toString() + JSON.stringify(headers),
    )
    expect(authority).toContain(token)
    expect(log).not.toContain(token.slice(0, 20))
  })

  it('is that of the environment, and an error says what to set', async () => {
    expect(await identityToken({SIGSTORE_ID_TOKEN: token})).toBe(token)
    await expect(identityToken({})).rejects.toMatchObject({code: 'ERR_INJECT_NO_IDENTITY'})
  })
})

it.each(['', 'x', '[]', '{"tlogs":[{}]}'])('%j is not a trusted root', async (text) => {
  await expect(createIdentityCheck(expected, text)).rejects.toMatchObject({
    code: 'ERR_INJECT_TRUSTED_ROOT_INVALID',
  })
})
