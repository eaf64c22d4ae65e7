import {spawn} from 'node:child_process'
import {copyFile, mkdir, writeFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {rootCertificates} from 'node:tls'
import {describe, expect, it} from 'vitest'
import {besidesDefaults, createTrust, type TrustOptions} from '../../../src/registry/tls/trust.js'
import {makeCertificate} from '../../support/certificate.js'
import {makeAuthority} from '../../support/certificate-authority.js'
import {startDockerRegistry} from '../../support/docker-registry.js'
import {createFakeRegistry} from '../../support/fake-registry.js'
import {startFakeServer} from '../../support/fake-server.js'
import {freePort, untilListening} from '../../support/free-port.js'
import {startNginx} from '../../support/nginx.js'
import {collect, openRegistry, sourceOf} from '../../support/open-registry.js'
import {tempDir} from '../../support/temp-dir.js'
import {describeWith} from '../../support/tools.js'

const start = async ({clients = false} = {}) => {
  const authority = await makeAuthority()
  const tls = await authority.issue('registry', 'IP:127.0.0.1')
  const client = await authority.issue('client', 'DNS:client')
  const {address: upstream} = await startDockerRegistry()
  const front = {upstream, tls, ...(clients && {clientAuthority: authority.certificate})}
  const address = `127.0.0.1:${await startNginx(front)}`
  return {authority, client, address}
}
const works = async (address: string, options: Parameters<typeof openRegistry>[1]) => {
  const {store} = openRegistry(address, options)
  const blob = await store.putBlob(sourceOf('content'))
  expect((await collect(await store.openBlob(blob))).toString()).toBe('content')
  await store.close()
}
const folderWith = async (files: Record<string, string>, under = '') => {
  const root = await tempDir()
  const folder = join(root, under)
  await mkdir(folder, {recursive: true})
  for (const [name, source] of Object.entries(files)) await copyFile(source, join(folder, name))
  return {root, folder}
}

describeWith(['nginx', 'openssl', 'docker-registry'], 'TLS with an authority of ones own', () => {
  it('is known from --ca-file, a folder, certs.d, or the environment', async () => {
    const {authority, address} = await start()
    const ca = authority.certificate
    const {folder} = await folderWith({'own.crt': ca, README: ca})
    const certsD = await folderWith({'ca.crt': ca}, address)
    const home = await folderWith({'ca.crt': ca}, `.config/containers/certs.d/${address}`)
    await works(address, {tls: {caFile: ca}})
    await works(address, {tls: {certDir: folder}})
    await works(address, {tls: {certsFolders: ['/nonexistent', certsD.root]}})
    await works(address, {home: home.root})
    await works(address, {plainHttp: false, env: {SSL_CERT_FILE: ca}})
    await works(address, {plainHttp: false, env: {SSL_CERT_DIR: `/nonexistent:${folder}`}})
    const other = await makeAuthority()
    await works(address, {
      tls: {caFile: other.certificate},
      env: {NODE_EXTRA_CA_CERTS: ca},
    })
  })

  it('is not known from the folder of another registry, or a later place', async () => {
    const {authority, address} = await start()
    const other = await folderWith({'ca.crt': authority.certificate}, 'other.test')
    const empty = await folderWith({}, address)
    const right = await folderWith({'ca.crt': authority.certificate}, address)
    for (const certsFolders of [[other.root], [empty.root, right.root]]) {
      const {store} = openRegistry(address, {plainHttp: false, tls: {certsFolders}})
      await expect(store.getManifest('v1')).rejects.toMatchObject({
        hint: expect.stringMatching(/--ca-file .*certs\.d/) as string,
      })
    }
  })

  it('is thought of when there is TLS where plain http was spoken', async () => {
    const {address} = await start()
    const server = await startFakeServer(() => ({}), {tls: makeCertificate()})
    for (const where of [address, server.address]) {
      const {store} = openRegistry(where)
      await expect(store.getManifest('v1')).rejects.toMatchObject({
        hint: expect.stringContaining('--no-plain-http') as string,
      })
    }
  })

  it('is not asked for when nothing is checked', async () => {
    const {address} = await start()
    await works(address, {insecure: true})
  })

  it('shows a client certificate to who wants to see one', async () => {
    const {authority, client, address} = await start({clients: true})
    const caFile = authority.certificate
    const pair = {'me.cert': client.certificate, 'me.key': client.key}
    const {root} = await folderWith({...pair, 'ca.crt': caFile}, address)
    await works(address, {tls: {caFile, certFile: client.certificate, keyFile: client.key}})
    await works(address, {tls: {certsFolders: [root]}})
    await works(address, {tls: {certDir: join(root, address)}})
    const {store} = openRegistry(address, {tls: {caFile}})
    await expect(store.getManifest('v1')).rejects.toThrow(/answered 400$/)
  })
})

describeWith(['openssl'], 'F4 a server that wants what we do not have', () => {
  it.each([
    ['a client certificate (1.3)', ['-Verify', '1'], /certificate required/, /--cert-file/],
    ['a client certificate (1.2)', ['-Verify', '1', '-tls1_2'], /handshake failure/, /--cert-file/],
    ['TLS 1.0', ['-tls1', '-cipher', 'ALL:@SECLEVEL=0'], /protocol version/, /1\.2 or later/],
  ])('%s: is not asked again, and it is said what it wants', async (_, wishes, message, hint) => {
    const authority = await makeAuthority()
    const tls = await authority.issue('registry', 'IP:127.0.0.1')
    const port = await freePort()
    const own = [
      '-accept',
      String(port),
      '-cert',
      tls.certificate,
      '-key',
      tls.key,
      '-quiet',
      '-www',
    ]
    const strict = ['-CAfile', authority.certificate, '-verify_return_error']
    const child = spawn('openssl', ['s_server', ...own, ...strict, ...wishes], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    await untilListening(child, port)
    const {store, delays} = openRegistry(`127.0.0.1:${port}`, {
      tls: {caFile: authority.certificate},
    })
    await expect(store.getManifest('v1')).rejects.toMatchObject({
      code: 'ERR_INJECT_NETWORK',
      message: expect.stringMatching(message) as string,
      hint: expect.stringMatching(hint) as string,
    })
    expect(delays).toEqual([])
  })
})

describe('a client certificate', () => {
  it('is not shown to hosts that the registry refers to', async () => {
    const authority = await makeAuthority()
    const client = await authority.issue('client', 'DNS:client')
    const options = {
      env: {},
      home: '/nonexistent',
      certFile: client.certificate,
      keyFile: client.key,
      certDir: dirname(client.certificate),
    }
    const {folder} = await folderWith({'me.cert': client.certificate, 'me.key': client.key})
    const trust = createTrust({...options, certDir: folder})
    const url = new URL('https://registry.example')
    expect(trust({url, registry: 'registry.example'})).toBeDefined()
    expect(trust({url, registry: undefined})).toBeUndefined()
  })
})

it('authorities come on top of the ones that Node brings', () => {
  expect(besidesDefaults(['own'], {})).toEqual([...rootCertificates, 'own'])
})

describe('certificates that cannot be used', () => {
  const url = new URL('https://registry.example')
  const trust = (options: Partial<TrustOptions>) =>
    createTrust({env: {}, home: '/nonexistent', ...options})({url, registry: 'registry.example'})

  it('are named', async () => {
    const authority = await makeAuthority()
    const one = await authority.issue('one', 'DNS:one')
    const two = await authority.issue('two', 'DNS:two')
    const lonely = await folderWith({'me.cert': one.certificate})
    const keyOnly = await folderWith({'me.key': one.key})
    const nonsense = join(await tempDir(), 'nonsense.pem')
    await writeFile(
      nonsense,
      '-----BEGIN CERTIFICATE-----\nbm9uc2Vuc2U=\n-----END CERTIFICATE-----\n',
    )
    const cases: [Partial<TrustOptions>, string, RegExp][] = [
      [{caFile: '/nonexistent/ca.crt'}, 'ERR_INJECT_LOCAL_IO', /ca\.crt.*no such file/],
      [{caFile: one.key}, 'ERR_INJECT_CERTIFICATE_INVALID', /no certificate in .*one\.key/],
      [{caFile: nonsense}, 'ERR_INJECT_CERTIFICATE_INVALID', /no certificate in .*nonsense/],
      [{certDir: '/nonexistent'}, 'ERR_INJECT_LOCAL_IO', /"\/nonexistent"/],
      [{certDir: lonely.folder}, 'ERR_INJECT_HALF_TLS', /me\.cert has no key beside it/],
      [{certDir: keyOnly.folder}, 'ERR_INJECT_HALF_TLS', /me\.key has no certificate beside it/],
      [{certFile: one.certificate}, 'ERR_INJECT_HALF_TLS', /certificate without its key/],
      [{keyFile: one.key}, 'ERR_INJECT_HALF_TLS', /key without its certificate/],
      [
        {certFile: one.certificate, keyFile: two.key},
        'ERR_INJECT_CERTIFICATE_INVALID',
        /one\.cert and .*two\.key cannot be used: the key is not that of the certificate/,
      ],
      [
        {certFile: one.certificate, keyFile: '/nonexistent/key'},
        'ERR_INJECT_LOCAL_IO',
        /nonexistent\/key/,
      ],
      [
        {certFile: one.certificate, keyFile: one.certificate},
        'ERR_INJECT_CERTIFICATE_INVALID',
        /cannot be used/,
      ],
    ]
    for (const [options, code, message] of cases) {
      expect(() => trust(options)).toThrow(message)
      expect(() => trust(options)).toThrow(expect.objectContaining({code}) as Error)
    }
  })

  it('of the environment are not a reason to stop', () => {
    const notices: string[] = []
    const env = {SSL_CERT_FILE: '/nonexistent/bundle', SSL_CERT_DIR: '/nonexistent'}
    expect(trust({env, onNotice: (text) => notices.push(text)})).toBeUndefined()
    expect(notices).toEqual([expect.stringContaining('/nonexistent/bundle')])
  })

  it('end a request at once, as what they are', async () => {
    const {store, delays} = openRegistry('registry.example', {tls: {caFile: '/nonexistent/ca'}})
    await expect(store.getManifest('v1')).rejects.toMatchObject({name: 'LocalIoError'})
    expect(delays).toEqual([])
  })
})

describe('on loopback', () => {
  it('is plain http, unless it is told otherwise', async () => {
    const registry = createFakeRegistry()
    const server = await startFakeServer(registry.handler)
    await works(server.address, {})
    const {store} = openRegistry(server.address, {plainHttp: false})
    await expect(store.getManifest('v1')).rejects.toMatchObject({
      hint: expect.stringContaining('--plain-http') as string,
    })
    expect(server.requests.every(({path}) => path.startsWith('/v2/'))).toBe(true)
  })
})
