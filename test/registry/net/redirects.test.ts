import {describe, expect, it} from 'vitest'
import type {SendRequest, HttpRequest} from '../../../src/registry/net/http.js'
import {followRedirects} from '../../../src/registry/net/redirects.js'
import {digestOf} from '../../../src/oci/digest.js'
import {makeCertificate} from '../../support/certificate.js'
import {createFakeRegistry} from '../../support/fake-registry.js'
import {type Answer, startFakeServer} from '../../support/fake-server.js'
import {collect, openRegistry, sourceOf} from '../../support/open-registry.js'

const home = 'https://registry.example/v2/x'

/** Answers each address as told; writes down what came with secrets. */
function web(answers: Record<string, {status?: number; location?: string}>) {
  const seen: [string, string | undefined][] = []
  const exchange: SendRequest = ({url, headers = {}}) => {
    const {status = 302, location} = answers[url.href] ?? {status: 200}
    seen.push([url.href, headers['authorization']])
    expect(headers['accept']).toBe('x/y')
    return Promise.resolve({
      status,
      headers: location === undefined ? {} : {location},
      url,
      body: (async function* () {})(),
      secrets: [],
      discard: () => Promise.resolve(),
    })
  }
  const request: HttpRequest = {
    method: 'GET',
    url: new URL(home),
    headers: {authorization: 'canary', accept: 'x/y'},
  }
  return {
    seen,
    get: (more: Partial<HttpRequest> = {}) => followRedirects(exchange, {...request, ...more}),
  }
}

describe.each([301, 302, 303, 307, 308])('T-32 a redirect %i', (status) => {
  it.each([
    ['/y', 'https://registry.example/y', 'canary'],
    ['https://registry.example:443/y', 'https://registry.example/y', 'canary'],
    ['https://registry.example:8443/y', 'https://registry.example:8443/y', undefined],
    ['https://storage.example/y?sig=1', 'https://storage.example/y?sig=1', undefined],
    ['//storage.example/y', 'https://storage.example/y', undefined],
    ['https://x.registry.example/y', 'https://x.registry.example/y', undefined],
  ])('to %s sends what it may', async (location, target, secret) => {
    const {seen, get} = web({[home]: {status, location}})
    expect((await get()).url.href).toBe(target)
    expect(seen).toEqual([
      [home, 'canary'],
      [target, secret],
    ])
  })

  it('from http to https drops the secrets', async () => {
    const url = new URL('http://registry.example/v2/x')
    const {seen, get} = web({[url.href]: {status, location: home}})
    await get({url})
    expect(seen).toEqual([
      [url.href, 'canary'],
      [home, undefined],
    ])
  })

  it('from https to http is refused', async () => {
    const {seen, get} = web({[home]: {status, location: 'http://registry.example/y'}})
    await expect(get()).rejects.toMatchObject({code: 'ERR_INJECT_REDIRECT_REFUSED'})
    expect(seen).toHaveLength(1)
  })

  it('away and back does not bring the secrets back', async () => {
    const other = 'https://storage.example/y'
    const {seen, get} = web({
      [home]: {status, location: other},
      [other]: {status, location: `${home}2`},
    })
    await get()
    expect(seen.map(([, secret]) => secret)).toEqual(['canary', undefined, undefined])
  })

  it.each(['POST', 'PUT', 'PATCH', 'DELETE'] as const)(
    'R8 of a %s is followed only where that is the same request to the same origin',
    async (method) => {
      const kept = status === 307 || status === 308
      const {seen, get} = web({[home]: {status, location: '/y'}})
      expect((await get({method})).status).toBe(kept ? 200 : status)
      expect(seen).toHaveLength(kept ? 2 : 1)
      for (const location of [
        'https://storage.example/y',
        'https://registry.example:8443/y',
        'http://registry.example/y',
        '//',
      ]) {
        const away = web({[home]: {status, location}})
        expect((await away.get({method})).status).toBe(status)
        expect(away.seen).toHaveLength(1)
      }
    },
  )
})

it('R8 a body is sent again, whole, where it is redirected to', async () => {
  const registry = createFakeRegistry()
  const server = await startFakeServer((request) =>
    request.method === 'PUT' && !request.query.has('again')
      ? {status: 307, headers: {location: `${request.path}?${request.query.toString()}&again`}}
      : registry.handler(request),
  )
  const {store} = openRegistry(server.address)
  expect(await store.putBlob(sourceOf('content'))).toMatchObject({written: true})
  expect(registry.blobs.get(digestOf(Buffer.from('content')))?.toString()).toBe('content')
})

describe('F27 redirects that are refused', () => {
  it.each([
    ['T-40 a socket', 'unix:/var/run/docker.sock:/x'],
    ['a file', 'file:///etc/passwd'],
    ['data', 'data:,x'],
    ['a user', 'https://user:pw-canary@registry.example/'],
    ['no address', 'https://'],
    ['nothing', ''],
    ['no Location', undefined],
  ])('%s', async (_, location) => {
    const {seen, get} = web({[home]: {status: 302, ...(location !== undefined && {location})}})
    const error = await get().catch((error: unknown) => error)
    expect(error).toMatchObject({name: 'NetworkError', code: 'ERR_INJECT_REDIRECT_REFUSED'})
    expect(String(error)).not.toMatch(/canary/)
    expect(seen).toHaveLength(1)
  })

  it('a loop, and more than five', async () => {
    const {seen, get} = web({[home]: {status: 302, location: home}})
    await expect(get()).rejects.toThrow(/more than 5 redirects/)
    expect(seen).toHaveLength(6)
  })

  it('T-40 a host named unix', async () => {
    const server = await startFakeServer(() => ({
      status: 307,
      headers: {location: 'http://unix:/run/x.sock:/y'},
    }))
    const {store} = openRegistry(server.address)
    await expect(store.getManifest('x')).rejects.toMatchObject({name: 'NetworkError'})
  })

  it.each([304, 300, 305, 306])('a status %i, which is not a redirect', async (status) => {
    const {get} = web({[home]: {status, location: '/y'}})
    expect((await get()).status).toBe(status)
  })
})

describe('T-32 a blob that lives elsewhere', () => {
  const bytes = Buffer.from('blob')
  const blob = {digest: digestOf(bytes), size: bytes.length}
  const login = `Basic ${Buffer.from('me:canary').toString('base64')}`
  const challenge: Answer = {status: 401, headers: {'www-authenticate': 'Basic realm="x"'}}

  it.each([307, 302, 303])('is fetched without the credentials (%i)', async (status) => {
    const storage = await startFakeServer(() => ({body: bytes}))
    const location = `http://${storage.address}/blob?signature=x`
    const registry = await startFakeServer(({headers}) =>
      headers.authorization === login ? {status, headers: {location}} : challenge,
    )
    const {store} = openRegistry(registry.address, {
      credentials: {username: 'me', password: 'canary'},
    })
    expect(await collect(await store.openBlob(blob))).toEqual(bytes)
    expect(storage.lines()).toEqual(['GET /blob?signature=x'])
    expect(storage.requests[0]?.headers).not.toHaveProperty('authorization')
  })

  it('is not fetched where that asks for credentials', async () => {
    const storage = await startFakeServer(() => challenge)
    const location = `http://${storage.address}/blob`
    const registry = await startFakeServer(({headers}) =>
      headers.authorization === login ? {status: 307, headers: {location}} : challenge,
    )
    const {store} = openRegistry(registry.address, {
      credentials: {username: 'me', password: 'canary'},
    })
    await expect(store.openBlob(blob)).rejects.toMatchObject({name: 'AuthenticationError'})
    for (const {headers} of storage.requests) expect(headers).not.toHaveProperty('authorization')
  })

  it('is never fetched over plain http from a registry with TLS', async () => {
    const tls = makeCertificate()
    const storage = await startFakeServer(() => ({body: bytes}))
    const registry = await startFakeServer(
      () => ({status: 307, headers: {location: `http://${storage.address}/blob`}}),
      {tls},
    )
    const {store} = openRegistry(registry.address, {certificateAuthority: [tls.certificate]})
    await expect(store.openBlob(blob)).rejects.toMatchObject({code: 'ERR_INJECT_REDIRECT_REFUSED'})
    expect(registry.requests).toHaveLength(1)
    expect(storage.requests).toEqual([])
  })
})
