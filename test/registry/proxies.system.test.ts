import {createServer, type AddressInfo} from 'node:net'
import {once} from 'node:events'
import {inspect} from 'node:util'
import {describe, expect, it, onTestFinished} from 'vitest'
import {digestOf} from '../../src/oci/digest.js'
import {type CertificateFiles, makeAuthority} from '../support/certificate-authority.js'
import {startDockerRegistry} from '../support/docker-registry.js'
import {createFakeRegistry} from '../support/fake-registry.js'
import {startFakeServer} from '../support/fake-server.js'
import {freePort} from '../support/free-port.js'
import {startNginx} from '../support/nginx.js'
import {collect, largeChunks, openRegistry, sourceOf} from '../support/open-registry.js'
import {proxyUser, startSquid} from '../support/squid.js'
import {describeWith} from '../support/tools.js'

const login = `${encodeURIComponent(proxyUser.username)}:${encodeURIComponent(proxyUser.password)}`
const secrets = new RegExp(
  [
    'c@nary',
    encodeURIComponent(proxyUser.password).replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`),
    Buffer.from(`${proxyUser.username}:${proxyUser.password}`).toString('base64').slice(0, 30),
  ].join('|'),
)

/** A registry that only the proxy finds: `registry.test` is not a name of this machine. */
const plainRegistry = async () => {
  const server = await startFakeServer(createFakeRegistry().handler)
  return {server, address: `registry.test:${server.url.port}`}
}
const tlsRegistry = async (names = 'DNS:registry.test') => {
  const authority = await makeAuthority()
  const tls = await authority.issue('registry', names)
  const registry = await startDockerRegistry()
  const port = await startNginx({upstream: registry.address, tls})
  return {authority, tls, port, address: `registry.test:${port}`}
}
const roundTrip = async (store: ReturnType<typeof openRegistry>['store']) => {
  const chunks = largeChunks()
  const blob = await store.putBlob(sourceOf(...chunks))
  expect(digestOf(await collect(await store.openBlob(blob)))).toBe(digestOf(Buffer.concat(chunks)))
}

describeWith(['squid', 'openssl'], 'T-42 plain http through squid', () => {
  it('is asked for by its whole address', async () => {
    const squid = await startSquid()
    const {server, address} = await plainRegistry()
    const {store} = openRegistry(address, {
      plainHttp: true,
      env: {HTTP_PROXY: `http://${squid.address}`},
    })
    await roundTrip(store)
    await expect.poll(() => squid.lines()).toHaveLength(server.requests.length)
    const lines = await squid.lines()
    expect(lines[0]).toMatch(`POST http://${address}/v2/team/app/blobs/uploads/ 202`)
    expect(server.requests[0]?.headers.host).toBe(address)
  })

  it.each(['http', 'https'])(
    'lets the proxy (%s) know who we are, and nobody else',
    async (scheme) => {
      const authority = await makeAuthority()
      const tls = scheme === 'https' ? await authority.issue('proxy', 'IP:127.0.0.1') : undefined
      const squid = await startSquid({auth: true, ...(tls && {tls})})
      const {server, address} = await plainRegistry()
      const {store} = openRegistry(address, {
        plainHttp: true,
        tls: {caFile: authority.certificate},
        env: {HTTP_PROXY: `${scheme}://${login}@${squid.address}`},
      })
      await roundTrip(store)
      await expect.poll(() => squid.lines()).toHaveLength(server.requests.length)
      for (const line of await squid.lines()) expect(line).toMatch(/ proxy-user$/)
      expect(inspect(server.requests.map(({headers}) => headers))).not.toMatch(secrets)
      for (const {headers} of server.requests)
        expect(headers).not.toHaveProperty('proxy-authorization')
    },
  )

  it.each(['', `${proxyUser.username}:wrong-canary@`])(
    'does not get through as %j, and says which proxy it is',
    async (who) => {
      const squid = await startSquid({auth: true})
      const {server, address} = await plainRegistry()
      const {store, delays} = openRegistry(address, {
        plainHttp: true,
        env: {HTTP_PROXY: `http://${who}${squid.address}`},
      })
      const error = await store.getManifest('v1').catch((error: unknown) => error)
      expect(error).toMatchObject({
        name: 'AuthenticationError',
        code: 'ERR_INJECT_PROXY_UNAUTHORIZED',
        message: `GET http://${address}/v2/team/app/manifests/v1: the proxy http://${squid.address} wants other credentials (407)`,
      })
      expect(inspect(error, {depth: Infinity, showHidden: true})).not.toMatch(/canary/)
      expect([delays, server.requests]).toEqual([[], []])
    },
  )
})

describeWith(['squid', 'nginx', 'openssl', 'docker-registry'], 'T-42 TLS through squid', () => {
  it('goes through a tunnel, whose proxy sees the name and no more', async () => {
    const squid = await startSquid()
    const {address, authority} = await tlsRegistry()
    const {store} = openRegistry(address, {
      tls: {caFile: authority.certificate},
      env: {HTTPS_PROXY: `http://${squid.address}`},
    })
    await roundTrip(store)
    await store.close()
    await expect.poll(() => squid.lines()).toEqual([`CONNECT ${address} 200 -`])
  })

  it('lets the proxy know who we are, over TLS if it speaks that', async () => {
    const {address, authority} = await tlsRegistry()
    const tls = await authority.issue('proxy', 'IP:127.0.0.1')
    const squid = await startSquid({auth: true, tls})
    const {store} = openRegistry(address, {
      tls: {caFile: authority.certificate},
      env: {HTTPS_PROXY: `https://${login}@${squid.address}`},
    })
    await roundTrip(store)
    await store.close()
    await expect.poll(() => squid.lines()).toEqual([`CONNECT ${address} 200 ${proxyUser.username}`])
  })

  it('F4 checks the certificate of a proxy, --insecure or not', async () => {
    const {address, authority} = await tlsRegistry()
    const tls = await authority.issue('proxy', 'DNS:other.test')
    const squid = await startSquid({tls})
    const {store} = openRegistry(address, {
      insecure: true,
      tls: {caFile: authority.certificate},
      env: {HTTPS_PROXY: `https://${login}@${squid.address}`},
    })
    await expect(store.getManifest('v1')).rejects.toThrow(/through the proxy .*altnames/)
  })

  it('does not get through with a wrong password', async () => {
    const squid = await startSquid({auth: true})
    const {address, authority} = await tlsRegistry()
    const {store, delays} = openRegistry(address, {
      tls: {caFile: authority.certificate},
      env: {HTTPS_PROXY: `http://${proxyUser.username}:wrong-canary@${squid.address}`},
    })
    const error = await store.getManifest('v1').catch((error: unknown) => error)
    expect(error).toMatchObject({
      code: 'ERR_INJECT_PROXY_UNAUTHORIZED',
      message: expect.stringContaining(`the proxy http://${squid.address} wants`) as string,
    })
    expect(inspect(error, {depth: Infinity, showHidden: true})).not.toMatch(/canary/)
    expect(delays).toEqual([])
  })

  it.each<[string, string, (files: CertificateFiles) => CertificateFiles]>([
    ['another name', 'DNS:other.test', (own) => own],
    ['nobody we know', 'DNS:registry.test', () => ({certificate: '', key: ''})],
  ])('F4 refuses a registry with a certificate of %s', async (_, names, trusted) => {
    const squid = await startSquid()
    const {address, authority} = await tlsRegistry(names)
    const caFile = trusted(authority).certificate
    const {store, delays} = openRegistry(address, {
      ...(caFile && {tls: {caFile}}),
      env: {HTTPS_PROXY: `http://${squid.address}`},
    })
    await expect(store.getManifest('v1')).rejects.toMatchObject({
      code: 'ERR_INJECT_NETWORK',
      message: expect.stringMatching(/altnames|unable to verify|self-signed/) as string,
    })
    expect(delays).toEqual([])
  })

  it('F1 tries again when the proxy finds nobody', async () => {
    const squid = await startSquid()
    const {store, delays} = openRegistry(`registry.test:${await freePort()}`, {
      env: {HTTPS_PROXY: `http://${squid.address}`},
      retries: {attempts: 3},
    })
    await expect(store.getManifest('v1')).rejects.toMatchObject({
      message: expect.stringMatching(
        /the proxy http:\/\/127.0.0.1:\d+ answered 503 .*tried 3/,
      ) as string,
      hint: expect.stringContaining('HTTPS_PROXY') as string,
    })
    expect(delays).toHaveLength(2)
  })
})

describe('a proxy', () => {
  it('F1 that does not listen is tried again, and named', async () => {
    const proxy = `http://127.0.0.1:${await freePort()}`
    for (const plainHttp of [true, false]) {
      const {store, delays} = openRegistry('registry.test', {
        plainHttp,
        env: {HTTPS_PROXY: proxy, HTTP_PROXY: proxy},
      })
      await expect(store.getManifest('v1')).rejects.toMatchObject({
        code: 'ERR_INJECT_NETWORK',
        message: expect.stringContaining('ECONNREFUSED') as string,
      })
      expect(delays).toHaveLength(5)
    }
  })

  it('F3 that says nothing is not waited for', async () => {
    const sockets = new Set<{destroy(): void}>()
    const silent = createServer((socket) => void sockets.add(socket.on('error', () => {})))
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy()
      silent.close()
    })
    const {port} = silent.address() as AddressInfo
    const {store} = openRegistry('registry.test', {
      timeouts: {connect: 100},
      retries: {attempts: 2},
      env: {HTTPS_PROXY: `127.0.0.1:${port}`},
    })
    await expect(store.getManifest('v1')).rejects.toThrow(
      /opened no way to registry.test:443 for 100 ms \(tried 2 times\)/,
    )
  })

  it('is not asked for what is on this machine', async () => {
    const proxy = await startFakeServer(() => ({status: 502}))
    const server = await startFakeServer(createFakeRegistry().handler)
    const {store} = openRegistry(server.address, {env: {HTTP_PROXY: proxy.url.href}})
    expect(await store.getManifest('v1')).toBeUndefined()
    expect(proxy.requests).toEqual([])
  })

  it('refuses with a page instead of a tunnel', async () => {
    const proxy = await startFakeServer(() => ({}))
    const {store, delays} = openRegistry('registry.test', {env: {HTTPS_PROXY: proxy.url.href}})
    await expect(store.getManifest('v1')).rejects.toMatchObject({code: 'ERR_INJECT_NETWORK'})
    expect(delays.length).toBeLessThan(6)
  })
})
