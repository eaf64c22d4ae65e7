import {describe, expect, it} from 'vitest'
import {TimeLimitError} from '../../src/errors.js'
import {digestOf} from '../../src/oci/digest.js'
import {ociManifest} from '../../src/oci/media-type.js'
import {parseMirror} from '../../src/registry/mirror.js'
import {createFakeRegistry} from '../support/fake-registry.js'
import {type Answer, type SeenRequest, startFakeServer} from '../support/fake-server.js'
import {collect, largeChunks, openRegistry, sourceOf} from '../support/open-registry.js'

const manifest = Buffer.from('{"schemaVersion":2}')
const small = Buffer.from('a small blob')
const large = Buffer.concat(largeChunks())
const digests = {manifest: digestOf(manifest), small: digestOf(small), large: digestOf(large)}
const smallBlob = {digest: digests.small, size: small.length}
const largeBlob = {digest: digests.large, size: large.length}

const filled = () => {
  const registry = createFakeRegistry()
  for (const bytes of [small, large]) registry.blobs.set(digestOf(bytes), bytes)
  registry.manifests.set(digests.manifest, {bytes: manifest, mediaType: ociManifest})
  registry.tags.set('v1', digests.manifest)
  return registry
}
const start = async (fault?: (request: SeenRequest) => Answer | undefined, prefix = '') => {
  const origin = await startFakeServer(filled().handler)
  const contents = filled()
  const mirror = await startFakeServer((request) => fault?.(request) ?? contents.handler(request))
  const mirrors = [`http://${mirror.address}${prefix}`]
  const opened = openRegistry(origin.address, {
    mirrors,
    credentials: {username: 'me', password: 'canary'},
    writes: true,
  })
  return {origin, mirror, ...opened}
}

describe('a mirror', () => {
  it('is asked for what a digest names, and for nothing else', async () => {
    const {store, origin, mirror, notices} = await start()
    expect((await store.getManifest(digests.manifest))?.bytes).toEqual(new Uint8Array(manifest))
    expect(await collect(await store.openBlob(smallBlob))).toEqual(small)
    expect(digestOf(await collect(await store.openBlob(largeBlob)))).toBe(digests.large)
    expect(origin.lines()).toEqual([])
    expect(mirror.requests.map(({method}) => method)).toEqual(['GET', 'GET', 'GET'])

    await store.getManifest('v1')
    await store.statManifest(digests.manifest)
    await store.statBlob(digests.small)
    for await (const tag of store.listTags()) expect(tag).toBe('v1')
    await store.putBlob(sourceOf('new'))
    await store.putManifest(manifest, ociManifest, {tags: [{tag: 'v2', from: 'absent'}]})
    expect(mirror.requests).toHaveLength(3)
    expect(notices).toEqual([])
  })

  it('may keep repositories below a path', async () => {
    const {store, mirror} = await start(undefined, '/cache/hub')
    await store.getManifest(digests.manifest)
    expect(mirror.lines()).toEqual([`GET /v2/cache/hub/team/app/manifests/${digests.manifest}`])
  })

  it('does not see the credentials of the registry', async () => {
    const {store, mirror, origin} = await start(() => ({
      status: 401,
      headers: {'www-authenticate': 'Basic realm="x"'},
    }))
    await store.getManifest(digests.manifest)
    for (const {headers} of mirror.requests) expect(headers).not.toHaveProperty('authorization')
    expect(origin.requests).toHaveLength(1)
  })

  it('that lacks something is passed over in silence', async () => {
    const {store, notices} = await start(() => ({status: 404}))
    expect(await store.getManifest(digests.manifest)).toBeDefined()
    expect(await collect(await store.openBlob(smallBlob))).toEqual(small)
    expect(notices).toEqual([])
  })

  it.each<[string, Answer]>([
    ['is broken', {status: 500}],
    ['refuses', {status: 403}],
    ['resets', {reset: true}],
    ['is not a registry', {headers: {'content-type': 'text/html'}, body: '<html>'}],
    ['has other bytes', {headers: {'content-type': ociManifest}, body: 'x'.repeat(small.length)}],
    ['breaks off', {headers: {'content-length': '12'}, body: small, cut: 3}],
    ['asks for an hour', {status: 429, headers: {'retry-after': '3600'}}],
  ])('that %s is left for the registry, and it is said once', async (_, answer) => {
    const {store, notices} = await start(() => answer)
    expect((await store.getManifest(digests.manifest))?.bytes).toEqual(new Uint8Array(manifest))
    expect(await collect(await store.openBlob(smallBlob))).toEqual(small)
    expect(notices).toEqual([expect.stringMatching(/^mirror 127\S+ failed, asking the registry: /)])
  })

  it('that breaks off in the middle of a large blob is carried on by the registry', async () => {
    let requests = 0
    const {store, notices, origin} = await start(() =>
      ++requests === 1
        ? {headers: {'content-length': String(large.length)}, body: large, cut: 5_000_000}
        : {status: 500},
    )
    expect(digestOf(await collect(await store.openBlob(largeBlob)))).toBe(digests.large)
    expect(notices).toHaveLength(1)
    expect(origin.requests).toHaveLength(1)
  })

  it('that has other bytes for a large blob fails, and is named', async () => {
    const wrong = Buffer.alloc(large.length)
    const {store} = await start(() => ({body: wrong}))
    await expect(collect(await store.openBlob(largeBlob))).rejects.toMatchObject({
      name: 'IntegrityError',
      hint: expect.stringMatching(/--mirror/) as string,
    })
  })

  it('does not swallow the wish to stop', async () => {
    const stop = new AbortController()
    const {store, origin, notices} = await start(() => {
      // one of our own errors, as the deadline of the whole command is
      stop.abort(new TimeLimitError('ERR_INJECT_TIMED_OUT', 'enough'))
      return {stall: true}
    })
    const {signal} = stop
    await expect(store.getManifest(digests.manifest, {signal})).rejects.toThrow('enough')
    expect([origin.requests, notices]).toEqual([[], []])
  })
})

describe('parseMirror', () => {
  const repository = 'team/app'
  it.each([
    ['https://mirror.example', 'mirror.example', 'team/app', false],
    ['http://mirror.example:5000/', 'mirror.example:5000', 'team/app', true],
    ['mirror.example/a/b', 'mirror.example', 'a/b/team/app', undefined],
    ['https://[::1]:5000/hub', '[::1]:5000', 'hub/team/app', false],
  ])('%s', (address, registry, path, plainHttp) => {
    expect(parseMirror(address, {repository})).toEqual({registry, repository: path, plainHttp})
  })

  it.each([
    '',
    'https://',
    'ftp://a',
    'https://me:canary@a',
    'https://a/?x',
    'https://a/../b',
    'a b',
  ])('refuses %j', (address) => {
    expect(() => parseMirror(address, {repository})).toThrow(
      expect.objectContaining({code: 'ERR_INJECT_MIRROR_INVALID'}) as Error,
    )
    expect(() => parseMirror(address, {repository})).not.toThrow(/canary/)
  })
})
