import type {LookupFunction} from 'node:net'
import {describe, expect, it} from 'vitest'
import {digestOf} from '../../src/oci/digest.js'
import type {ContentStore} from '../../src/store/content-store.js'
import {createFakeRegistry} from '../support/fake-registry.js'
import {type Answer, startFakeServer} from '../support/fake-server.js'
import {largeChunks, listed, openRegistry, sourceOf} from '../support/open-registry.js'

const bytes = Buffer.from('some bytes')
const blob = {digest: digestOf(bytes), size: bytes.length}
const large = {digest: digestOf(Buffer.concat(largeChunks())), size: 9 * 1024 * 1024}

/**
 * `registry.example` is where the test's registry is; all other names lead to `address`, which may
 * be another of this machine.
 */
function lookupTo(address: string): LookupFunction {
  return (hostname, options, callback) => {
    const found = hostname === 'registry.example' ? '127.0.0.1' : address
    if (options.all) callback(null, [{address: found, family: found.includes(':') ? 6 : 4}])
    else callback(null, found, 4)
  }
}

interface Way {
  readonly answer: (target: string) => (method: string, path: string) => Answer | undefined
  readonly act: (store: ContentStore) => Promise<unknown>
}

const ways: readonly (readonly [string, Way])[] = [
  [
    'a redirect of a blob',
    {
      answer: (target) => (method, path) =>
        method === 'GET' && path.includes('/blobs/')
          ? {status: 307, headers: {location: `${target}/blob`}}
          : undefined,
      act: async (store) => listed(await store.openBlob(blob)),
    },
  ],
  [
    'a redirect of a manifest',
    {
      answer: (target) => (method, path) =>
        path.includes('/manifests/') && method !== 'PUT'
          ? {status: 302, headers: {location: `${target}/manifest`}}
          : undefined,
      act: (store) => store.getManifest('v1'),
    },
  ],
  [
    'the place of a small upload',
    {
      answer: (target) => (method) =>
        method === 'POST' ? {status: 202, headers: {location: `${target}/upload`}} : undefined,
      act: (store) => store.putBlob(sourceOf(bytes), {expected: blob}),
    },
  ],
  [
    'the place of a large upload',
    {
      answer: (target) => (method) =>
        method === 'POST' ? {status: 202, headers: {location: `${target}/upload`}} : undefined,
      act: (store) => store.putBlob(sourceOf(...largeChunks()), {expected: large}),
    },
  ],
  [
    'the place of an upload of unknown digest',
    {
      answer: (target) => (method) =>
        method === 'POST' ? {status: 202, headers: {location: `${target}/upload`}} : undefined,
      act: (store) => store.putBlob(sourceOf(...largeChunks())),
    },
  ],
  [
    'a redirect of a list of tags',
    {
      answer: (target) => (_, path) =>
        path.endsWith('/tags/list') ? {status: 307, headers: {location: `${target}/l`}} : undefined,
      act: (store) => listed(store.listTags()),
    },
  ],
]

async function run({answer, act}: Way, {name, address}: {name: string; address: string}) {
  const inner = await startFakeServer(() => ({body: '{}'}))
  const innerPort = inner.url.port
  const respond = answer(`http://evil.example:${innerPort}`)
  const registry = createFakeRegistry({fault: ({method, path}) => respond(method, path)})
  const server = await startFakeServer(registry.handler)
  const {store} = openRegistry(`${name}:${server.url.port}`, {
    plainHttp: true,
    ports: {lookup: lookupTo(address)},
  })
  const error = await act(store).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return {error, inner}
}

describe.each(ways)('A15 %s to a name that leads to this machine', (_, way) => {
  it.each(['127.0.0.1', '::1', '169.254.169.254', '0.0.0.0', '::ffff:127.0.0.1'])(
    'is refused: %s',
    async (address) => {
      const {error, inner} = await run(way, {name: 'registry.example', address})
      expect(error).toMatchObject({
        name: 'NetworkError',
        code: 'ERR_INJECT_ADDRESS_REFUSED',
        message: expect.stringMatching(/http:\/\/evil\.example.*address of this machine/) as string,
      })
      expect(inner.connections()).toBe(0)
    },
  )

  it('is followed where the registry is on this machine itself', async () => {
    const {error, inner} = await run(way, {name: '127.0.0.1', address: '127.0.0.1'})
    expect(error).not.toMatchObject({code: 'ERR_INJECT_ADDRESS_REFUSED'})
    expect(inner.connections()).toBeGreaterThan(0)
  })
})

it("A15 a registry's own name may lead anywhere: the user named it", async () => {
  const registry = createFakeRegistry()
  const server = await startFakeServer(registry.handler)
  const {store} = openRegistry(`registry.example:${server.url.port}`, {
    plainHttp: true,
    ports: {lookup: lookupTo('127.0.0.1')},
  })
  await store.putBlob(sourceOf(bytes))
  expect(registry.blobs.size).toBe(1)
})
