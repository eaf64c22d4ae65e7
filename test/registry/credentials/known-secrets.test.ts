import {describe, expect, it} from 'vitest'
import {InjectError, NetworkError} from '../../../src/errors.js'
import {createKnownSecrets} from '../../../src/registry/credentials/known-secrets.js'
import {type Answer, startFakeServer} from '../../support/fake-server.js'
import {openRegistry} from '../../support/open-registry.js'

const password = 'PassCanary-1/x y"z'

describe('T-38 known secrets', () => {
  it.each([
    ['as it is', `a ${password} b`],
    ['in lower case', `a ${password.toLowerCase()} b`],
    ['in a path', `a ${new URL(`http://x/${password}`).pathname.slice(1)} b`],
    ['in a query', `a ${new URLSearchParams({a: password}).toString().slice(2)} b`],
    ['in quotes', `a ${JSON.stringify(password).slice(1, -1)} b`],
    ['cut off', `a ${password.slice(0, 12)}… b`],
  ])('are struck out %s', (_, text) => {
    const secrets = createKnownSecrets()
    expect(secrets.strike(text)).toBe(text)
    secrets.add([password])
    expect(secrets.strike(text)).toMatch(/^a …+ b$/)
  })

  it('leave words alone that a short one is a part of', () => {
    const secrets = createKnownSecrets()
    secrets.add(['pass', 'abc'])
    expect(secrets.strike('the password is pass, abc')).toBe('the password is …, abc')
  })

  it('are struck out of causes, too', async () => {
    const secrets = createKnownSecrets()
    secrets.add([password])
    const cause = new Error(`it was ${password}`)
    const error = new NetworkError('ERR_INJECT_X', `no: ${password}`, {cause, found: password})
    await expect(secrets.guard(Promise.reject(error))).rejects.toBe(error)
    expect(error).toMatchObject({message: 'no: …', found: '…', cause: {message: 'it was …'}})
    expect(error.stack).not.toContain(password)
  })

  const word = 'canary-PASSWORD'
  const basic = Buffer.from(`user:${word}`).toString('base64')
  const alone = Buffer.from(word).toString('base64')
  const manifest = {'content-type': 'application/vnd.oci.image.manifest.v1+json'}
  it.each<[string, Answer]>([
    ['the target of a redirect', {status: 302, headers: {location: `http://10.0.0.1/${word}`}}],
    ['its host', {status: 302, headers: {location: `http://${word}.localhost/`}}],
    ['a realm', {status: 401, headers: {'www-authenticate': `Bearer realm="ftp://x/${word}"`}}],
    ['a scheme', {status: 401, headers: {'www-authenticate': `${word} x="y"`}}],
    ['an encoding', {headers: {...manifest, 'content-encoding': word}}],
    ['a long encoding', {headers: {...manifest, 'content-encoding': `${'x'.repeat(30)}${word}`}}],
    ['a digest', {headers: {...manifest, 'docker-content-digest': `sha256:${word}`}, body: '{}'}],
    ['a message', {status: 500, body: JSON.stringify({errors: [{code: 'X', message: alone}]})}],
    ['a warning', {status: 500, headers: {warning: `299 - "${basic} ${word} ${alone}"`}}],
    ['bytes', {raw: `HTTP/1.1 ${word} ${basic}\r\n\r\n`}],
  ])('are not repeated from %s', async (_, answer) => {
    const server = await startFakeServer(({headers}) =>
      headers.authorization === `Basic ${basic}`
        ? answer
        : {status: 401, headers: {'www-authenticate': 'Basic realm="x"'}},
    )
    const {store, notices} = openRegistry(server.address, {
      credentials: {username: 'user', password: word},
    })
    const said = await store.getManifest('v1').then(
      () => '',
      (error: unknown) =>
        error instanceof InjectError ? `${error.message} ${error.stack} ${error.hint}` : 'other',
    )
    expect(said).not.toBe('other')
    expect(`${said} ${notices.join()}`).not.toMatch(new RegExp(`canary|${basic}|${alone}`, 'i'))
  })
})
