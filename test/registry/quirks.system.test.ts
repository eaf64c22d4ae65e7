import {createCipheriv} from 'node:crypto'
import {join} from 'node:path'
import {describe, expect, it, onTestFinished} from 'vitest'
import {digestOf} from '../../src/oci/digest.js'
import {ociManifest} from '../../src/oci/media-type.js'
import type {RegistryStoreOptions} from '../../src/registry/registry-store.js'
import {openRepositoryRoot} from '../../src/store/served/open-root.js'
import {statNewTag} from '../../src/store/tags.js'
import {makeCertificate} from '../support/certificate.js'
import {startCuttingProxy, type CuttingProxyOptions} from '../support/cutting-proxy.js'
import {collect, openRegistry, sourceOf} from '../support/open-registry.js'
import {type Quirk, serveQuirks} from '../support/quirk-registry.js'
import * as quirks from '../support/quirks.js'
import {pushBlob, serveRegistry, type ServedRegistry} from '../support/served-registry.js'
import {tempDir} from '../support/temp-dir.js'

const MiB = 1024 * 1024

/** Bytes that nothing compresses, always the same ones. */
function noise(size: number): Buffer[] {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16))
  return Array.from({length: Math.ceil(size / MiB)}, (_, index) =>
    cipher.update(Buffer.alloc(Math.min(MiB, size - index * MiB))),
  )
}
const small = Buffer.from('some bytes')
const smallBlob = {digest: digestOf(small), size: small.length}
/** More than what is held back to learn a digest. */
const largeSize = 10 * MiB + 1000
const large = noise(largeSize)
const largeBlob = {digest: digestOf(Buffer.concat(large)), size: largeSize}

async function onDisk(): Promise<ServedRegistry> {
  const root = await openRepositoryRoot(join(await tempDir(), 'root'), {create: true})
  onTestFinished(() => root.close())
  return serveRegistry({root})
}

async function start(
  list: readonly Quirk[],
  options: RegistryStoreOptions & {cut?: CuttingProxyOptions} = {},
) {
  const {cut, ...rest} = options
  const registry = await serveQuirks(list, {behind: await onDisk()})
  const proxy = await startCuttingProxy(registry.address, cut)
  // the registry is to be done with what a broken connection brought
  const sleep = (milliseconds: number) =>
    new Promise<void>((resolve) => setTimeout(resolve, Math.min(milliseconds, 100)))
  return {registry, proxy, ...openRegistry(proxy.address, {ports: {sleep}, ...rest})}
}

async function expectLarge({behind}: {behind: ServedRegistry}) {
  const repository = await behind.root.openRepository('team/app')
  expect(await repository?.statBlob(largeBlob.digest)).toEqual(largeBlob)
}

describe.each(Object.entries(quirks.profiles))('a registry as %s', (_, profile) => {
  it('takes a stream', async () => {
    const {store, registry} = await start(profile())
    const source = sourceOf(...large)
    expect(await store.putBlob(source)).toEqual({...largeBlob, written: true})
    await expectLarge(registry)
    expect(source.opened).toBeLessThanOrEqual(2)
  })

  it('takes a large blob of known digest', async () => {
    const {store, registry} = await start(profile())
    const source = sourceOf(...large)
    expect(await store.putBlob(source, {expected: largeBlob})).toEqual({
      ...largeBlob,
      written: true,
    })
    await expectLarge(registry)
    expect(await store.statBlob(largeBlob.digest)).toEqual(largeBlob)
  })

  it('takes a small blob, and knows it then', async () => {
    const {store} = await start(profile())
    expect(await store.putBlob(sourceOf(small))).toEqual({...smallBlob, written: true})
    expect(await store.putBlob(sourceOf(small))).toEqual({...smallBlob, written: false})
  })

  it('takes a stream in chunks that were asked for', async () => {
    const {store, registry} = await start(profile(), {chunkSize: 3 * MiB})
    expect(await store.putBlob(sourceOf(...large))).toMatchObject(largeBlob)
    await expectLarge(registry)
  })

  it('R5 takes a stream over a connection that breaks once', async () => {
    const {store, registry, proxy} = await start(profile(), {cut: {every: 5 * MiB, times: 1}})
    expect(await store.putBlob(sourceOf(...large))).toMatchObject(largeBlob)
    await expectLarge(registry)
    expect(proxy.cuts()).toBe(1)
  })

  it('mounts, or does without', async () => {
    const {store, registry} = await start(profile())
    await pushBlob(registry.behind.address, 'other/base', small)
    const mountFrom = ['team/absent', 'other/base']
    const put = await store.putBlob(sourceOf(small), {expected: smallBlob, mountFrom})
    expect(put).toEqual({...smallBlob, written: true})
    const repository = await registry.behind.root.openRepository('team/app')
    expect(await repository?.statBlob(smallBlob.digest)).toEqual(smallBlob)
  })
})

const methods = (requests: readonly {method: string; path: string}[]) =>
  requests
    .filter(({path}) => path.includes('/blobs/'))
    .map(({method}) => method)
    .join(' ')

describe('what a registry makes us do', () => {
  it('F26 GHCR: chunks below 4 MiB after its 416, and so for the rest of the run', async () => {
    const {store, registry} = await start(quirks.profiles.GHCR(), {chunkSize: 6 * MiB})
    await store.putBlob(sourceOf(...large))
    const lengths = registry.requests
      .filter(({method}) => method === 'PATCH')
      .map(({length}) => length)
    expect(lengths).toEqual([6 * MiB, 4 * MiB - 1, 4 * MiB - 1, largeSize - 8 * MiB + 2])
    const before = registry.requests.length
    await store.putBlob(sourceOf(...large, small))
    expect(methods(registry.requests.slice(before))).toBe('POST PATCH PATCH PATCH PUT')
  })

  it('R5 sends after a break what the registry lacks, and says where it belongs', async () => {
    const {store, registry, proxy} = await start([], {cut: {every: 5 * MiB, times: 1}})
    const source = sourceOf(...large)
    await store.putBlob(source)
    const [stream, rest] = registry.requests.filter(({method}) => method === 'PATCH')
    expect(stream?.headers).not.toHaveProperty('content-range')
    const first = Number(/^(\d+)-/.exec(rest?.headers['content-range'] ?? '')?.[1])
    expect(rest?.headers['content-range']).toBe(`${first}-${largeSize - 1}`)
    // how much of the 5 MiB gets through before the break is the system's affair
    expect(first).toBeGreaterThan(0)
    expect(proxy.sent()).toBeLessThan(1.15 * largeSize + 5 * MiB - first)
    expect(source.opened).toBe(1)
  })

  it('R5 ECR: one PUT with its length when Range stands still', async () => {
    const {store, registry} = await start(quirks.profiles.ECR(), {chunkSize: 3 * MiB})
    const source = sourceOf(...large)
    await store.putBlob(source)
    expect(methods(registry.requests)).toMatch(/^POST PATCH PATCH GET PATCH DELETE HEAD POST PUT$/)
    expect(registry.requests.at(-1)?.length).toBe(largeSize)
    // read on to its end for the digest, then once more
    expect(source.opened).toBe(2)
  })

  it('F26 nginx: smaller and smaller bodies, down to its usual limit', async () => {
    const {store, registry} = await start([quirks.largestBody(MiB)])
    await store.putBlob(sourceOf(...large))
    const taken = registry.requests.filter(
      ({method, answered}) => method === 'PATCH' && answered === 202,
    )
    expect(Math.max(...taken.map(({length = 0}) => length))).toBe(MiB - 1)
    await expect(
      (await start([quirks.largestBody(MiB / 4)])).store.putBlob(sourceOf(...large)),
    ).rejects.toMatchObject({code: 'ERR_INJECT_REFUSED_AS_TOO_LARGE'})
  })

  it('sends no chunk that is smaller than the registry wants them', async () => {
    const {store, registry} = await start([quirks.smallestChunk(4 * MiB)], {chunkSize: MiB})
    await store.putBlob(sourceOf(...large))
    const lengths = registry.requests
      .filter(({method}) => method === 'PATCH')
      .map(({length}) => length)
    expect(lengths).toEqual([4 * MiB, 4 * MiB, largeSize - 8 * MiB])
  })

  it('Nexus, Artifactory: remembers that it takes no blob in one PUT', async () => {
    const {store, registry} = await start([quirks.noSinglePut(400)])
    await store.putBlob(sourceOf(small))
    expect(methods(registry.requests)).toBe('HEAD POST PUT DELETE POST PATCH PUT')
    const before = registry.requests.length
    await store.putBlob(sourceOf('other bytes'))
    expect(methods(registry.requests.slice(before))).toBe('HEAD POST PATCH PUT')
  })

  it.each([400, 405, 501])(
    'F23 a registry without PATCH (%i): finds the digest, then one PUT',
    async (status) => {
      const noPatch: Quirk = (request, forward) =>
        request.method === 'PATCH' ? {status, headers: {}} : forward()
      const {store, registry} = await start([noPatch])
      expect(await store.putBlob(sourceOf(...large))).toMatchObject(largeBlob)
      expect(methods(registry.requests)).toBe('POST PATCH DELETE HEAD POST PUT')
      const before = registry.requests.length
      await store.putBlob(sourceOf(...large, small))
      expect(methods(registry.requests.slice(before))).toBe('HEAD POST PUT')
    },
  )

  it.each([404, 405, 410, 500])(
    'R5 begins again where nobody knows the state (%i), and says so',
    async (status) => {
      const cut = {every: 5 * MiB, times: 1}
      const {store, registry, notices} = await start([quirks.noStatus(status)], {cut})
      expect(await store.putBlob(sourceOf(...large))).toMatchObject(largeBlob)
      expect(registry.requests.filter(({method}) => method === 'POST')).toHaveLength(2)
      expect(notices).toEqual([
        expect.stringMatching(
          /^the upload to .* broke off after [\d.]+ MB and cannot be resumed; starting over$/,
        ),
      ])
    },
  )

  it('mounts without sending, by the first repository that gives it', async () => {
    const {store, registry} = await start([])
    await pushBlob(registry.behind.address, 'other/base', small)
    const source = sourceOf(small)
    await store.putBlob(source, {expected: smallBlob, mountFrom: ['other/base', 'other/more']})
    expect(methods(registry.requests)).toBe('HEAD POST')
    expect(registry.requests.at(-1)?.query.get('from')).toBe('other/base')
    expect(source.opened).toBe(0)
  })

  it('uses the session that a refused mount opened', async () => {
    const {store, registry} = await start([])
    await store.putBlob(sourceOf(small), {expected: smallBlob, mountFrom: ['other/absent']})
    expect(registry.uploads()).toBe('HEAD 404, POST 202, PUT 201')
  })

  it('F24 waits for its turn in a storm of 429', async () => {
    const {store, registry, delays} = await start([quirks.tooManyRequests(4)], {
      ports: {sleep: () => Promise.resolve()},
    })
    expect(await store.putBlob(sourceOf(small))).toMatchObject({written: true})
    expect(registry.uploads()).toBe(
      'HEAD 429, HEAD 429, HEAD 429, HEAD 429, HEAD 404, POST 202, PUT 201',
    )
    expect(delays).toEqual([])
  })

  it('Harbor as a proxy cache: reads a blob that HEAD does not know', async () => {
    const {store, registry} = await start([quirks.blindHead])
    const blob = await pushBlob(registry.behind.address, 'team/app', small)
    expect(await collect(await store.openBlob(blob))).toEqual(small)
  })

  it('Artifactory: asks for media types at manifests only', async () => {
    const {store, registry} = await start(quirks.profiles.Artifactory())
    await store.putBlob(sourceOf(small))
    await store.statBlob(smallBlob.digest)
    for (const {path, headers} of registry.requests)
      if (!path.includes('/manifests/')) expect(headers.accept ?? '*/*').toBe('*/*')
  })
})

describe('a tag that is not there', () => {
  it('Artifactory: makes it, though the registry says that it is forbidden', async () => {
    const {store} = await start(quirks.profiles.Artifactory())
    const config = Buffer.from('{}')
    const blob = await store.putBlob(sourceOf(config))
    const manifest = {
      schemaVersion: 2,
      mediaType: ociManifest,
      config: {mediaType: 'application/vnd.example', digest: blob.digest, size: blob.size},
      layers: [],
    }
    const bytes = Buffer.from(JSON.stringify(manifest))
    expect(await statNewTag(store, 'new', {})).toBeUndefined()
    await store.putManifest(bytes, ociManifest, {tags: [{tag: 'new', from: 'absent'}]})
    expect(await store.statManifest('new')).toBe(digestOf(bytes))
  })
})

describe('R8 F29 a registry whose Location is', () => {
  it.each([
    ['relative', quirks.relativeLocation],
    ['without a scheme', quirks.bareHostLocation],
  ])('%s', async (_, quirk) => {
    const {store} = await start([quirk])
    expect(await store.putBlob(sourceOf(...large))).toMatchObject(largeBlob)
  })

  it('http, though it is reached by https: https is kept, and it is said once', async () => {
    const tls = makeCertificate()
    const {address, requests} = await serveQuirks([quirks.httpLocation], {tls})
    const options = {certificateAuthority: [tls.certificate]}
    const {store, notices} = openRegistry(address, options)
    expect(await store.putBlob(sourceOf(small))).toMatchObject(smallBlob)
    expect(await store.putBlob(sourceOf('more'))).toMatchObject({written: true})
    expect(requests.every(({origin}) => origin === `https://${address}`)).toBe(true)
    expect(notices).toEqual([
      `${address} names itself with http in the Location of an upload: https is kept`,
    ])
  })
})
