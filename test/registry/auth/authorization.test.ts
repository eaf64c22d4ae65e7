import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import type {LookupFunction} from 'node:net'
import {describe, expect, it} from 'vitest'
import {openTransport} from '../../../src/registry/net/open-transport.js'
import type {Pingable} from '../../../src/registry/api/ping.js'
import {fetchToken} from '../../../src/registry/auth/token.js'
import type {RegistryStoreOptions} from '../../../src/registry/registry-store.js'
import {digestOf} from '../../../src/oci/digest.js'
import {createFakeRegistry, registryError} from '../../support/fake-registry.js'
import {
  type Answer,
  type FakeServer,
  type SeenRequest,
  startFakeServer,
} from '../../support/fake-server.js'
import {tempDir} from '../../support/temp-dir.js'
import {createTokenService, type TokenSettings} from '../../support/token-server.js'
import {largeChunks, listed, openRegistry, sourceOf} from '../../support/open-registry.js'

const login = {username: 'me', password: 'pass:word-canary'}
const basic = `Basic ${Buffer.from('me:pass:word-canary').toString('base64')}`
const asksBasic = (request: SeenRequest): Answer | undefined =>
  request.headers.authorization === basic
    ? undefined
    : {...registryError(401, 'UNAUTHORIZED'), headers: {'www-authenticate': 'Basic realm="x"'}}

describe('Basic', () => {
  it('sends the credentials when it is asked to, and from then on', async () => {
    const server = await startFakeServer(createFakeRegistry({fault: asksBasic}).handler)
    const {store} = openRegistry(server.address, {credentials: login})
    await store.putBlob(sourceOf('x'))
    await store.statManifest('v1')
    expect(server.requests.map(({method, headers}) => [method, headers.authorization])).toEqual([
      ['HEAD', undefined],
      ['HEAD', basic],
      ['POST', basic],
      ['PUT', basic],
      ['HEAD', basic],
      // there is no such tag, and a HEAD alone does not say so
      ['GET', basic],
    ])
  })

  it('T-41 F19 sends refused credentials once, then gives up with what the registry says', async () => {
    const refuse: Answer = {
      ...registryError(401, 'UNAUTHORIZED', 'bad password'),
      headers: {'www-authenticate': 'Basic realm="x"'},
    }
    const server = await startFakeServer(() => refuse)
    const {store} = openRegistry(server.address, {credentials: login})
    await expect(store.getManifest('v1')).rejects.toMatchObject({
      name: 'AuthenticationError',
      code: 'ERR_INJECT_UNAUTHORIZED',
      message: `GET ${server.url.href}v2/team/app/manifests/v1: the registry answered 401 UNAUTHORIZED: bad password`,
      hint: expect.stringMatching(/inject auth which/) as string,
    })
    expect(server.requests).toHaveLength(2)
  })

  it('says that no credentials were found', async () => {
    const server = await startFakeServer(createFakeRegistry({fault: asksBasic}).handler)
    const {store} = openRegistry(server.address)
    await expect(store.getManifest('v1')).rejects.toMatchObject({
      code: 'ERR_INJECT_UNAUTHORIZED',
      hint: expect.stringContaining('log in') as string,
    })
    expect(server.requests).toHaveLength(1)
  })

  it('asks at the root when a 401 says nothing', async () => {
    const server = await startFakeServer((request) => {
      if (request.headers.authorization === basic) return {body: '{"tags": ["a"]}'}
      return request.path === '/v2/' ? asksBasic(request)! : {status: 401}
    })
    const {store} = openRegistry(server.address, {credentials: login})
    expect(await listed(store.listTags())).toEqual(['a'])
    expect(server.lines()).toEqual([
      'GET /v2/team/app/tags/list?n=1000',
      'GET /v2/',
      'GET /v2/team/app/tags/list?n=1000',
    ])
  })

  it('reads a file of credentials only when it is asked for some', async () => {
    const server = await startFakeServer(createFakeRegistry().handler)
    const {store} = openRegistry(server.address, {authFile: '/nonexistent/auth.json'})
    expect(await store.statManifest('v1')).toBeUndefined()
    server.handle(createFakeRegistry({fault: asksBasic}).handler)
    await expect(store.statManifest('v1')).rejects.toMatchObject({
      code: 'ERR_INJECT_AUTH_FILE_UNREADABLE',
    })
  })
})

describe('Bearer', () => {
  async function start(settings: TokenSettings = {}, options: RegistryStoreOptions = {}) {
    const server: FakeServer = await startFakeServer(() => ({}))
    const tokens = createTokenService(() => `http://${server.address}/token?keep=1`, settings)
    const registry = createFakeRegistry({fault: (request) => tokens.guard(request)})
    server.handle((request) =>
      request.path === '/token' ? tokens.handler(request) : registry.handler(request),
    )
    const clock = {now: 1_800_000_000_000}
    const opened = openRegistry(server.address, {...options, ports: {now: () => clock.now}})
    return {...opened, server, tokens, registry, clock}
  }
  const tokenRequests = ({requests}: FakeServer) => requests.filter(({path}) => path === '/token')

  it('asks for a token once for each set of scopes', async () => {
    const {store, server} = await start()
    await store.statManifest('a')
    await Promise.all([store.statManifest('b'), store.statBlob(digestOf(Buffer.from('x')))])
    expect(tokenRequests(server).map(({query}) => [...query])).toEqual([
      [
        ['keep', '1'],
        ['service', 'fake'],
        ['client_id', 'inject'],
        ['scope', 'repository:team/app:pull'],
      ],
    ])
    await store.putBlob(sourceOf('x'))
    await store.putBlob(sourceOf('y'))
    expect(tokenRequests(server).map(({query}) => query.get('scope'))).toEqual([
      'repository:team/app:pull',
      'repository:team/app:pull,push',
    ])
  })

  it('asks for one token in all where it is going to write', async () => {
    const {store, server} = await start({}, {writes: true})
    await store.statManifest('a')
    await store.putBlob(sourceOf('x'))
    expect(tokenRequests(server).map(({query}) => query.get('scope'))).toEqual([
      'repository:team/app:pull,push',
    ])
  })

  it('asks once, however many ask at the same time', async () => {
    const {store, server} = await start()
    await Promise.all(Array.from({length: 10}, (_, index) => store.statManifest(`t${index}`)))
    expect(tokenRequests(server)).toHaveLength(1)
  })

  it('sends the credentials to the token server only', async () => {
    const {store, server} = await start({login: 'me:pass:word-canary'}, {credentials: login})
    await store.putBlob(sourceOf('x'))
    for (const {path, headers, query} of server.requests) {
      if (path === '/token')
        expect([headers.authorization, query.get('account')]).toEqual([basic, 'me'])
      else expect(headers.authorization ?? 'Bearer ').toMatch(/^Bearer /)
    }
  })

  it.each([
    ['anonymous', {}, /refused anonymous access.*UNAUTHORIZED/],
    ['wrong', {credentials: {username: 'me', password: 'canary'}}, /refused these credentials/],
  ])('fails with the token server, %s', async (_, options, message) => {
    const {store, server} = await start({login: 'me:right'}, options)
    const error = await store.statManifest('v1').catch((error: unknown) => error)
    expect(error).toMatchObject({name: 'AuthenticationError', code: 'ERR_INJECT_UNAUTHORIZED'})
    expect(String(error)).toMatch(message)
    expect(String(error)).not.toMatch(/canary|keep/)
    expect(tokenRequests(server)).toHaveLength(1)
  })

  it('F18 gets another token when one has run out, and repeats the request', async () => {
    const {store, server, tokens, registry} = await start()
    await store.putBlob(sourceOf('x'))
    tokens.revoke()
    const bytes = Buffer.from('{"schemaVersion": 2}')
    await store.putManifest(bytes, 'application/json', {tags: [{tag: 'v1', from: undefined}]})
    expect(registry.manifests.get(registry.tags.get('v1') ?? '')?.bytes).toEqual(bytes)
    tokens.revoke()
    const large = await store.putBlob(sourceOf(...largeChunks()))
    expect(registry.blobs.get(large.digest)).toHaveLength(large.size)
    // pull, push, and one after each end
    expect(tokenRequests(server)).toHaveLength(4)
  })

  it('F18 makes a streamed body again when the token ends between POST and PATCH', async () => {
    const {store, server, tokens, registry} = await start()
    const source = sourceOf(...largeChunks())
    let revoked = false
    server.handle((request) => {
      if (request.path === '/token') return tokens.handler(request)
      if (request.method === 'PATCH' && !revoked) {
        revoked = true
        tokens.revoke()
      }
      return registry.handler(request)
    })
    const large = await store.putBlob(source)
    expect(registry.blobs.get(large.digest)).toHaveLength(large.size)
    expect(source.opened).toBeLessThanOrEqual(2)
  })

  it.each([
    [{}, 47, 49],
    [{expires_in: 5}, 47, 49],
    [{expires_in: 'soon'}, 47, 49],
    [{expires_in: -1}, 47, 49],
    [{expires_in: 300}, 239, 241],
    [{expires_in: 300, issued_at: '2001-01-01T00:00:00Z'}, 239, 241],
  ])('counts the life of a token from its coming: %j', async (answer, fresh, stale) => {
    const {store, server, clock} = await start({answer})
    await store.statManifest('a')
    clock.now += fresh * 1000
    await store.statManifest('a')
    expect(tokenRequests(server)).toHaveLength(1)
    clock.now += (stale - fresh) * 1000
    await store.statManifest('a')
    expect(tokenRequests(server)).toHaveLength(2)
  })

  it('F20 asks for the scope that was found missing, first, and once', async () => {
    const {store, server, tokens} = await start()
    const other = 'repository:other/base:pull'
    server.handle((request) => {
      if (request.path === '/token') return tokens.handler(request)
      const asked = tokenRequests(server).at(-1)?.query.getAll('scope') ?? []
      if (asked.includes(other)) return {status: 404}
      return {
        status: 401,
        headers: {
          'www-authenticate': `Bearer realm="/token",error="insufficient_scope",scope="${other}"`,
        },
      }
    })
    expect(await store.statBlob(digestOf(Buffer.from('x')))).toBeUndefined()
    expect(tokenRequests(server).map(({query}) => query.getAll('scope'))).toEqual([
      [other, 'repository:team/app:pull'],
    ])
  })

  it('T-41 F19 gives up on a registry that always asks again', async () => {
    const {store, server, tokens} = await start()
    let nonce = 0
    server.handle((request) =>
      request.path === '/token'
        ? tokens.handler(request)
        : {
            status: 401,
            headers: {
              'www-authenticate': `Bearer realm="/token",error="insufficient_scope",scope="s:${++nonce}:pull"`,
            },
          },
    )
    await expect(store.getManifest('v1')).rejects.toMatchObject({
      code: 'ERR_INJECT_UNAUTHORIZED',
    })
    expect(server.requests.filter(({path}) => path !== '/token')).toHaveLength(3)
    expect(tokenRequests(server)).toHaveLength(2)
  })

  it.each([
    ['access_token', {token: undefined, access_token: 'token-canary-1'}],
    ['an empty token and an access_token', {token: '', access_token: 'token-canary-1'}],
  ])('takes %s', async (_, answer) => {
    const {store} = await start({answer})
    expect(await store.statManifest('a')).toBeUndefined()
  })

  it.each([
    ['no JSON', {body: 'token-canary'}],
    ['null', {body: 'null'}],
    ['no token', {body: '{}'}],
    ['a number', {body: '{"token": 5}'}],
    ['a token that ends the header', {body: JSON.stringify({token: 'canary\r\nx: y'})}],
    ['a token with spaces', {body: JSON.stringify({token: 'can ary'})}],
  ])('refuses %s', async (_, answer) => {
    const {store, server, tokens} = await start()
    server.handle((request) => (request.path === '/token' ? answer : tokens.guard(request)!))
    const error = await store.statManifest('a').catch((error: unknown) => error)
    expect(error).toMatchObject({code: 'ERR_INJECT_TOKEN_INVALID'})
    expect(String(error)).not.toMatch(/canary/)
  })

  it('R7 reads no more than 64 KiB for a token', async () => {
    const {store, server, tokens} = await start()
    const body = JSON.stringify({token: 'x'.repeat(64 * 1024)})
    server.handle((request) => (request.path === '/token' ? {body} : tokens.guard(request)!))
    await expect(store.statManifest('a')).rejects.toMatchObject({name: 'LimitError'})
  })

  it('changes an identity token for others', async () => {
    const {server} = await start({login: 'x:y', identityToken: 'refresh-canary'})
    const {store} = openRegistry(server.address, {
      authFile: await authFile(server.address, {identitytoken: 'refresh-canary'}),
    })
    await store.putBlob(sourceOf('x'))
    const forms = tokenRequests(server).map(({method, body}) => [
      method,
      ...new URLSearchParams(body.toString()),
    ])
    expect(forms[0]).toEqual([
      'POST',
      ['grant_type', 'refresh_token'],
      ['service', 'fake'],
      ['client_id', 'inject'],
      ['scope', 'repository:team/app:pull'],
      ['refresh_token', 'refresh-canary'],
    ])
  })

  it.each([400, 401, 404, 405])(
    'asks with GET where a token server answers %s to an identity token',
    async (status) => {
      const {server, tokens} = await start({login: '0000-0000:refresh-canary'})
      const registry = createFakeRegistry({fault: (request) => tokens.guard(request)})
      server.handle((request) => {
        if (request.path !== '/token') return registry.handler(request)
        return request.method === 'POST' ? {status} : tokens.handler(request)
      })
      const entry = {
        auth: Buffer.from('0000-0000:').toString('base64'),
        identitytoken: 'refresh-canary',
      }
      const {store} = openRegistry(server.address, {
        authFile: await authFile(server.address, entry),
      })
      expect(await store.statManifest('a')).toBeUndefined()
      expect(tokenRequests(server).map(({method}) => method)).toEqual(['POST', 'GET'])
    },
  )

  it('does not ask with GET what a token server has refused for good', async () => {
    const {server, tokens} = await start()
    server.handle((request) =>
      request.path === '/token' ? registryError(403, 'DENIED') : tokens.guard(request)!,
    )
    const file = await authFile(server.address, {identitytoken: 'refresh-canary'})
    const error: unknown = await openRegistry(server.address, {authFile: file})
      .store.statManifest('a')
      .catch((reason: unknown) => reason)
    expect(error).toMatchObject({code: 'ERR_INJECT_UNAUTHORIZED'})
    expect(String(error)).not.toMatch(/canary/)
    expect(tokenRequests(server).map(({method}) => method)).toEqual(['POST'])
  })

  it.each([
    [{expires_in: 300}, 149, 151],
    [{}, 29, 31],
  ])(
    'sends content with a token that has half of its life before it: %j',
    async (answer, young, old) => {
      const {store, server, clock} = await start({answer}, {writes: true})
      await store.statManifest('a')
      clock.now += young * 1000
      await store.putBlob(sourceOf('x'))
      expect(tokenRequests(server)).toHaveLength(1)
      clock.now += (old - young) * 1000
      await store.statManifest('a')
      expect(tokenRequests(server)).toHaveLength(1)
      await store.putManifest(Buffer.from('{}'), 'application/json', {
        tags: [{tag: 'v1', from: undefined}],
      })
      expect(tokenRequests(server)).toHaveLength(2)
    },
  )

  it('asks again when the clock was put back', async () => {
    const {store, server, clock} = await start()
    await store.statManifest('a')
    clock.now -= 3_600_000
    await store.statManifest('a')
    expect(tokenRequests(server)).toHaveLength(2)
  })

  it('T-31 sends nothing to a name that leads to this machine', async () => {
    const server = await startFakeServer(() => ({body: '{"token": "t"}'}))
    const {port} = new URL(`http://${server.address}`)
    const lookup: LookupFunction = (_, options, callback) => {
      if (options.all) callback(null, [{address: '127.0.0.1', family: 4}])
      else callback(null, '127.0.0.1', 4)
    }
    const ask = (name: string) => {
      const registry = new URL(`http://${name}/`)
      const parameters = new Map([['realm', `http://auth.example:${port}/token`]])
      const transport = openTransport({env: {}, home: '/nonexistent', ports: {lookup}})
      const leave = transport.join()
      return fetchToken(
        {
          challenge: {scheme: 'bearer', parameters},
          registry,
          scopes: [],
          credential: {kind: 'password', ...login},
        },
        {
          exchange: transport.exchangeFor({name, url: registry}),
          withRetries: (work) => work(),
          now: () => 0,
        },
      ).finally(leave)
    }
    await expect(ask('registry.example')).rejects.toMatchObject({
      code: 'ERR_INJECT_REALM_REFUSED',
      message: expect.stringMatching(/its realm leads to this machine/) as string,
    })
    expect(server.requests).toEqual([])
    // a registry on this machine may have its token server there
    expect((await ask('127.0.0.1')).value).toBe('t')
    expect(server.requests).toHaveLength(1)
  })

  it('asks for a second scope to mount, and for none where there is only one repository', async () => {
    const {store, server} = await start({}, {writes: true})
    const bytes = Buffer.from('x')
    const expected = {digest: digestOf(bytes), size: bytes.length}
    await store.putBlob(sourceOf('x'), {expected, isNew: true})
    await store.putBlob(sourceOf('y'), {
      expected: {digest: digestOf(Buffer.from('y')), size: 1},
      mountFrom: ['other/base'],
    })
    expect(tokenRequests(server).map(({query}) => query.getAll('scope'))).toEqual([
      ['repository:team/app:pull,push'],
      ['repository:team/app:pull,push', 'repository:other/base:pull'],
    ])
  })

  it('names the schemes that it does not know', async () => {
    const server = await startFakeServer(() => ({
      status: 401,
      headers: {'www-authenticate': ['Negotiate', 'Digest realm="x", nonce="y"']},
    }))
    const {store} = openRegistry(server.address, {credentials: login})
    await expect(store.statManifest('a')).rejects.toMatchObject({
      name: 'AuthenticationError',
      code: 'ERR_INJECT_AUTH_SCHEME_UNKNOWN',
      message: expect.stringContaining('"negotiate, digest"') as string,
    })
    expect(server.requests.every(({headers}) => headers.authorization === undefined)).toBe(true)
  })

  it('knows who we are without a repository', async () => {
    const {server, tokens} = await start({login: 'me:pass:word-canary'})
    const challenge = tokens.guard({
      method: 'GET',
      path: '/v2/team/app/tags/list',
      query: new URLSearchParams(),
      headers: {},
      body: Buffer.alloc(0),
    })
    server.handle((request) => {
      if (request.path === '/token') return tokens.handler(request)
      return request.headers.authorization?.startsWith('Bearer ') ? {body: '{}'} : challenge!
    })
    const open = (credentials: typeof login) => openRegistry(server.address, {credentials}).store
    await (open(login) as unknown as Pingable).ping()
    expect(tokenRequests(server)[0]?.query.has('scope')).toBe(false)
    const wrong = open({username: 'me', password: 'wrong-canary'}) as unknown as Pingable
    await expect(wrong.ping()).rejects.toMatchObject({code: 'ERR_INJECT_UNAUTHORIZED'})
  })

  it('sends a registry token as it is, and gives up when it is refused', async () => {
    const {server} = await start()
    const file = await authFile(server.address, {registrytoken: 'given-canary'})
    const {store} = openRegistry(server.address, {authFile: file})
    await expect(store.statManifest('a')).rejects.toMatchObject({code: 'ERR_INJECT_UNAUTHORIZED'})
    expect(tokenRequests(server)).toEqual([])
    expect(server.requests.map(({headers}) => headers.authorization)).toContain(
      'Bearer given-canary',
    )
  })

  it('T-31 sends nothing to a realm that is refused', async () => {
    const realm = 'http://169.254.169.254/latest'
    const server = await startFakeServer(() => ({
      status: 401,
      headers: {'www-authenticate': `Bearer realm="${realm}"`},
    }))
    const {store} = openRegistry(server.address, {credentials: login})
    await expect(store.statManifest('a')).rejects.toMatchObject({code: 'ERR_INJECT_REALM_REFUSED'})
  })

  it('prefers Bearer when both are offered', async () => {
    const {store, server, tokens} = await start({}, {credentials: login})
    server.handle((request) => {
      if (request.path === '/token') return tokens.handler(request)
      if (request.headers.authorization?.startsWith('Bearer ')) return {body: '{"tags": null}'}
      return {
        status: 401,
        headers: {'www-authenticate': ['Negotiate', 'Basic realm="b"', 'Bearer realm="/token"']},
      }
    })
    expect(await listed(store.listTags())).toEqual([])
    expect(server.requests.map(({path}) => path)).toEqual([
      '/v2/team/app/tags/list',
      '/token',
      '/v2/team/app/tags/list',
    ])
  })

  it('lets one caller go without taking the token from the others', async () => {
    const {store, server, tokens} = await start()
    let release = (): void => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    const registry = createFakeRegistry({fault: (request) => tokens.guard(request)})
    server.handle(async (request) => {
      if (request.path !== '/token') return registry.handler(request)
      await held
      return tokens.handler(request)
    })
    const leaving = new AbortController()
    const left = store.statManifest('a', {signal: leaving.signal})
    const stays = store.statManifest('b')
    await expect.poll(() => tokenRequests(server).length).toBe(1)
    leaving.abort(new Error('leaving'))
    await expect(left).rejects.toThrow('leaving')
    release()
    expect(await stays).toBeUndefined()
    expect(tokenRequests(server)).toHaveLength(1)
  })
})

describe('HttpHeaders of docker', () => {
  const config = JSON.stringify({
    HttpHeaders: {
      'X-Meta': 'canary-meta',
      'User-Agent': 'docker',
      Authorization: 'Basic canary-basic',
      Host: 'evil.example',
      'bad name': 'x',
      'X-Bad': 'a\r\nb',
      'X-Number': 5,
    },
  })
  const withConfig = async (text: string) => {
    const folder = await tempDir()
    await writeFile(join(folder, 'config.json'), text)
    return {env: {DOCKER_CONFIG: folder}}
  }

  it('go to the registry and its token server, but for ours, and to no other host', async () => {
    const other = await startFakeServer(() => ({body: '{"tags": []}'}))
    const server = await startFakeServer((request) => {
      if (request.path === '/token') return {body: '{"token": "t"}'}
      if (!request.headers.authorization) {
        return {status: 401, headers: {'www-authenticate': 'Bearer realm="/token"'}}
      }
      return {status: 307, headers: {location: `http://${other.address}/tags`}}
    })
    const {store} = openRegistry(server.address, await withConfig(config))
    await listed(store.listTags())
    for (const {headers} of server.requests) {
      expect(headers).toMatchObject({'x-meta': 'canary-meta', 'user-agent': 'inject'})
      expect(headers.host).toBe(server.address)
      expect(headers.authorization ?? 'Bearer t').toBe('Bearer t')
      expect(Object.keys(headers)).not.toContain('x-bad')
    }
    expect(server.requests).toHaveLength(3)
    expect(other.requests).toHaveLength(1)
    expect(JSON.stringify(other.requests[0]?.headers)).not.toMatch(/canary/)
  })

  it.each(['not json', '{"HttpHeaders": 5}', '[]', '{"HttpHeaders": null}'])(
    'are none in %j',
    async (text) => {
      const server = await startFakeServer(createFakeRegistry().handler)
      const {store} = openRegistry(server.address, await withConfig(text))
      expect(await store.statManifest('v1')).toBeUndefined()
    },
  )
})

async function authFile(address: string, entry: Record<string, string>): Promise<string> {
  const file = join(await tempDir(), 'auth.json')
  await writeFile(file, JSON.stringify({auths: {[address]: entry}}))
  return file
}
