import {inspect} from 'node:util'
import {describe, expect, it, onTestFinished} from 'vitest'
import {openRegistryStore, type RegistryStoreOptions} from '../../../src/registry/registry-store.js'
import {digestOf} from '../../../src/oci/digest.js'
import {makeCertificate} from '../../support/certificate.js'
import {createFakeRegistry} from '../../support/fake-registry.js'
import {type Answer, startFakeServer} from '../../support/fake-server.js'
import {largeChunks, openRegistry, sourceOf} from '../../support/open-registry.js'

describe('TLS', () => {
  const tls = makeCertificate()

  it('works with a certificate that was given', async () => {
    const registry = createFakeRegistry()
    const server = await startFakeServer(registry.handler, {tls})
    const {store} = openRegistry(server.address, {certificateAuthority: [tls.certificate]})
    expect(await store.putBlob(sourceOf('x'))).toMatchObject({written: true})
  })

  it('F4 does not try again without trust, and says what is wrong', async () => {
    const server = await startFakeServer(() => ({}), {tls})
    const {store, delays} = openRegistry(server.address, {
      certificateAuthority: [makeCertificate().certificate],
    })
    await expect(store.statManifest('v1')).rejects.toMatchObject({
      code: 'ERR_INJECT_NETWORK',
      message: expect.stringMatching(/self-signed certificate/) as string,
      hint: expect.stringContaining('--ca-file') as string,
    })
    expect(delays).toEqual([])
    expect(server.requests).toEqual([])
  })

  it('F4 refuses a certificate of another host', async () => {
    const server = await startFakeServer(() => ({}), {tls})
    const {store} = openRegistry(server.address.replace('127.0.0.1', '127.0.0.2'), {
      certificateAuthority: [tls.certificate],
    })
    await expect(store.statManifest('v1')).rejects.toMatchObject({code: 'ERR_INJECT_NETWORK'})
    expect(server.requests).toEqual([])
  })

  it('F4 never falls back to plain http, but says how', async () => {
    const server = await startFakeServer(() => ({}))
    const {store} = openRegistry(server.address, {certificateAuthority: [tls.certificate]})
    await expect(store.statManifest('v1')).rejects.toMatchObject({
      hint: expect.stringContaining('--plain-http') as string,
    })
    expect(server.requests).toEqual([])
  })
})

describe('connections', () => {
  it('are used again', async () => {
    const registry = createFakeRegistry()
    const server = await startFakeServer(registry.handler)
    const {store} = openRegistry(server.address)
    for (const name of ['a', 'b', 'c']) await store.putBlob(sourceOf(name))
    await store.putBlob(sourceOf(...largeChunks()))
    await store.listTags()[Symbol.asyncIterator]().next()
    expect(server.connections()).toBe(1)
  })

  it('F32 that the registry closes between two requests do no harm', async () => {
    const registry = createFakeRegistry()
    const server = await startFakeServer(async (request) => {
      const answer = await registry.handler(request)
      return {...answer, headers: {...answer.headers, connection: 'close'}}
    })
    const {store} = openRegistry(server.address)
    for (const name of ['a', 'b', 'c'])
      expect(await store.putBlob(sourceOf(name))).toMatchObject({written: true})
  })
})

describe('the machine that nothing stands for', () => {
  const blob = {digest: digestOf(Buffer.from('x')), size: 1}
  const openReal = (registry: string, options: RegistryStoreOptions = {}) => {
    const store = openRegistryStore(
      {registry, repository: 'team/app'},
      {env: {}, home: '/nonexistent', ...options},
    )
    onTestFinished(() => store.close())
    return store
  }

  it('waits between two tries', async () => {
    let tries = 0
    const server = await startFakeServer(() => (++tries < 3 ? {status: 503} : {status: 404}))
    const store = openReal(server.address, {retries: {firstDelay: 1}})
    expect(await store.statBlob(blob.digest)).toBeUndefined()
    expect(tries).toBe(3)
  })

  it('stops waiting when it is aborted', async () => {
    const server = await startFakeServer(() => ({status: 503, headers: {'retry-after': '50'}}))
    const stop = new AbortController()
    const store = openReal(server.address, {
      onNotice: () => setTimeout(() => stop.abort(new Error('enough')), 10),
    })
    await expect(store.statBlob(blob.digest, {signal: stop.signal})).rejects.toThrow('enough')
    expect(server.requests).toHaveLength(1)
  })
})

describe('an answer that comes too early', () => {
  it('is not a success', async () => {
    const registry = createFakeRegistry()
    const server = await startFakeServer(
      (request) => (request.method === 'PATCH' ? {status: 202} : registry.handler(request)),
      {early: ({method}) => method === 'PATCH'},
    )
    const {store} = openRegistry(server.address)
    const chunks = Array.from({length: 64}, () => new Uint8Array(1024 * 1024))
    await expect(store.putBlob(sourceOf(...chunks))).rejects.toThrow(
      /answered before all was sent \(tried 4 times\)/,
    )
    expect(registry.blobs.size).toBe(0)
  })
})

describe('T-38 secrets', () => {
  const canary = /canary|Y2FuYXJ5|bWU6/
  const credentials = {username: 'me', password: 'canary'}
  const failures: Record<string, Answer> = {
    reset: {reset: true},
    'broken answer': {raw: 'HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n'},
    stall: {stall: true},
    'status 500': {status: 500, body: 'x'},
    'status 401': {status: 401},
    'status 404': {status: 404},
    'bad redirect': {status: 307, headers: {location: 'https://me:canary@x.example/?canary'}},
  }
  it.each(Object.entries(failures))('are in no error: %s', async (_, answer) => {
    const server = await startFakeServer(({headers}) =>
      headers.authorization
        ? answer
        : {status: 401, headers: {'www-authenticate': 'Basic realm="x"'}},
    )
    const {store, notices} = openRegistry(server.address, {
      credentials,
      retries: {attempts: 2},
      timeouts: {response: 100},
    })
    const blob = {digest: digestOf(Buffer.from('x')), size: 1}
    const calls = [
      store.getManifest('v1'),
      store.openBlob(blob),
      store.putBlob(sourceOf('x')),
      store.putManifest(Buffer.from('x'), 'a/b'),
    ]
    const outcomes = await Promise.allSettled(calls)
    expect(outcomes.some(({status}) => status === 'rejected')).toBe(true)
    // everything that a logger could reach from the error
    expect(inspect([outcomes, notices], {depth: Infinity, showHidden: true})).not.toMatch(canary)
  })

  it('are in no address that is shown', async () => {
    const registry = createFakeRegistry()
    const server = await startFakeServer((request) => {
      if (request.method === 'POST')
        return {status: 202, headers: {location: '/upload?secret=canary'}}
      return request.method === 'PUT' ? {status: 403} : registry.handler(request)
    })
    const {store} = openRegistry(server.address)
    const error = await store.putBlob(sourceOf('x')).catch((error: unknown) => error)
    expect(String(error)).toMatch(/PUT http:\/\/127\.0\.0\.1:\d+\/upload: /)
    expect(inspect(error, {depth: Infinity})).not.toMatch(canary)
  })
})

describe('messages', () => {
  it('carry what a registry says on one line, escaped', async () => {
    const server = await startFakeServer(() => ({
      status: 400,
      body: JSON.stringify({
        errors: [
          {code: 'X\u001b[31m', message: 'a\nb\u202Ec'},
          {code: 'Y', message: 'plain'},
        ],
      }),
    }))
    const {store} = openRegistry(server.address)
    await expect(store.getManifest('v1')).rejects.toThrow(
      String.raw`the registry answered 400 "X\u001b[31m": "a\nb\u202ec", Y: plain`,
    )
  })
})
