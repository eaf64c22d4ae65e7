import {describe, expect, it} from 'vitest'
import {digestOf} from '../../src/oci/digest.js'
import {ociManifest} from '../../src/oci/media-type.js'
import type {ContentStore} from '../../src/store/content-store.js'
import {createFakeRegistry, registryError, type FakeRegistry} from '../support/fake-registry.js'
import {
  type Answer,
  type FakeServer,
  type SeenRequest,
  startFakeServer,
} from '../support/fake-server.js'
import {collect, largeChunks, listed, openRegistry, sourceOf} from '../support/open-registry.js'

const bytes = Buffer.from('the bytes of a blob '.repeat(1000))
const blob = {digest: digestOf(bytes), size: bytes.length}
const manifestBytes = Buffer.from('{"schemaVersion":2}')
const manifest = digestOf(manifestBytes)
const newBytes = Buffer.from('{"schemaVersion":2,"new":true}')
const large = digestOf(Buffer.concat(largeChunks()))

/**
 * One kind of request: when it comes, what brings it about, and what the result is when nothing
 * goes wrong.
 */
interface Kind {
  readonly isIt: (request: SeenRequest) => boolean
  readonly run: (store: ContentStore) => Promise<unknown>
  readonly result: unknown
  /** What must be so afterwards. */
  readonly after?: (registry: FakeRegistry) => void
  /** How many faults in a row are borne. */
  readonly bears: number
}

const is =
  (method: string, path: RegExp) =>
  (request: SeenRequest): boolean =>
    request.method === method && path.test(request.path)

const hasLarge = ({blobs, uploads}: FakeRegistry): void => {
  expect(digestOf(blobs.get(large)!)).toBe(large)
  expect(uploads.size).toBeLessThan(6)
}
const hasSmall = ({blobs}: FakeRegistry): void =>
  expect(blobs.get(digestOf(Buffer.from('new')))).toEqual(Buffer.from('new'))
const putSmall = (store: ContentStore) => store.putBlob(sourceOf('new'))
const putLarge = (store: ContentStore) => store.putBlob(sourceOf(...largeChunks()))
const written = {written: true}

const kinds: Record<string, Kind> = {
  'HEAD manifest': {
    isIt: is('HEAD', /manifests/),
    run: (store) => store.statManifest('v1'),
    result: manifest,
    bears: 5,
  },
  'GET manifest': {
    isIt: is('GET', /manifests/),
    run: (store) => store.getManifest('v1'),
    result: {descriptor: {digest: manifest}},
    bears: 5,
  },
  'HEAD blob': {
    isIt: is('HEAD', /blobs/),
    run: (store) => store.statBlob(blob.digest),
    result: blob,
    bears: 5,
  },
  'GET blob': {
    isIt: is('GET', /blobs/),
    run: async (store) => collect(await store.openBlob(blob)),
    result: bytes,
    bears: 5,
  },
  'GET tags': {
    isIt: is('GET', /tags/),
    run: (store) => listed(store.listTags()),
    result: ['v1'],
    bears: 5,
  },
  'POST upload': {
    isIt: is('POST', /uploads/),
    run: putSmall,
    result: written,
    after: hasSmall,
    bears: 5,
  },
  'PUT blob': {
    isIt: (request) => is('PUT', /uploads/)(request) || is('PATCH', /uploads/)(request),
    run: putSmall,
    result: written,
    after: hasSmall,
    bears: 5,
  },
  PATCH: {isIt: is('PATCH', /uploads/), run: putLarge, result: written, after: hasLarge, bears: 3},
  'PUT after PATCH': {
    isIt: is('PUT', /uploads/),
    run: putLarge,
    result: written,
    after: hasLarge,
    bears: 5,
  },
  'PUT manifest': {
    isIt: is('PUT', /manifests/),
    run: (store) => store.putManifest(newBytes, ociManifest, {tags: [{tag: 'v1', from: manifest}]}),
    result: {digest: digestOf(newBytes), mediaType: ociManifest},
    after: ({tags}) => expect(tags.get('v1')).toBe(digestOf(newBytes)),
    bears: 5,
  },
}

async function start(
  {isIt}: Kind,
  fault: Answer | ((request: SeenRequest, registry: FakeRegistry) => Promise<Answer> | Answer),
  times: number,
  attempts = 6,
) {
  let left = times
  let faults = 0
  // short only where nothing else is waited for: a busy machine may be slow, too
  const patience = typeof fault === 'object' && fault.stall ? 150 : 10_000
  const plain = createFakeRegistry()
  const {blobs, manifests, tags} = plain
  blobs.set(blob.digest, bytes)
  manifests.set(manifest, {bytes: manifestBytes, mediaType: ociManifest})
  tags.set('v1', manifest)
  const server: FakeServer = await startFakeServer((request) => {
    if (left === 0 || !isIt(request)) return plain.handler(request)
    left--
    faults++
    return typeof fault === 'function' ? fault(request, plain) : fault
  })
  const opened = openRegistry(server.address, {
    retries: {attempts},
    timeouts: {response: patience, commit: patience, idle: patience},
  })
  return {...opened, registry: plain, server, faults: () => faults}
}

const page = '<html>'.padEnd(200 * 1024, 'x')
const transient: Record<string, Answer> = {
  'F6 a reset before the answer': {reset: true},
  'F7 a reset in the headers': {raw: 'HTTP/1.1 200 OK\r\nContent-Le'},
  'F15 no answer': {stall: true},
  'F15 half the headers, then none': {raw: 'HTTP/1.1 200 OK\r\nContent-Le', stall: true},
  'F24 429 without Retry-After': {status: 429},
  'F24 429 with a bad Retry-After': {status: 429, headers: {'retry-after': 'soon'}},
  'F24 408': {status: 408},
  'F24 425': {status: 425},
  'F25 500': {status: 500},
  'F25 502': {status: 502},
  'F25 503 with a large page': {status: 503, body: page},
  'F25 504': {status: 504},
  'F25 522': {status: 522},
}

describe.each(Object.entries(kinds))('%s', (_, kind) => {
  it.each(Object.entries(transient))('bears %s', async (__, fault) => {
    // waiting is what takes long
    const times = fault.stall ? 1 : kind.bears
    const {store, registry, delays, faults} = await start(kind, fault, times)
    const result = await kind.run(store)
    expect([result]).toMatchObject([kind.result])
    kind.after?.(registry)
    expect(faults()).toBe(times)
    expect(delays.length).toBeGreaterThanOrEqual(times)
  })

  it.each(Object.entries(transient))('gives up on %s in the end', async (__, fault) => {
    const {store, delays, faults} = await start(kind, fault, Infinity, fault.stall ? 2 : 6)
    await expect(kind.run(store)).rejects.toMatchObject({name: 'NetworkError'})
    expect(faults()).toBeLessThanOrEqual(12)
    expect(delays.length).toBeLessThanOrEqual(10)
  })

  it('F24 waits as it is told', async () => {
    const {store, delays} = await start(kind, {status: 429, headers: {'retry-after': '1'}}, 1)
    await kind.run(store)
    expect(delays).toEqual([1000])
  })

  it('F24 does not wait an hour', async () => {
    const {store, delays} = await start(
      kind,
      {status: 503, headers: {'retry-after': '3600'}},
      Infinity,
    )
    await expect(kind.run(store)).rejects.toMatchObject({code: 'ERR_INJECT_RATE_LIMITED'})
    expect(delays).toEqual([])
  })

  it.each([401, 403])(
    "F21 does not try again after %i, but asks a HEAD's reason of a GET",
    async (status) => {
      const {store, server, delays} = await start(kind, {status}, Infinity)
      const isHead = kind.isIt({...server.requests[0]!, method: 'HEAD', path: '/blobs/manifests/'})
      if (isHead) expect(await kind.run(store)).toEqual(kind.result)
      server.handle(({method}) =>
        method === 'HEAD' ? {status} : registryError(status, 'DENIED', 'no'),
      )
      await expect(kind.run(store)).rejects.toMatchObject({
        name: 'AuthenticationError',
        message: expect.stringMatching(/(?:GET|POST|PUT) .* answered 40[13] DENIED: no$/) as string,
      })
      expect(delays).toEqual([])
    },
  )

  it('F26 does not try again when it is too large or the storage is full', async () => {
    const large = await start(kind, {status: 413}, Infinity)
    await expect(kind.run(large.store)).rejects.toMatchObject({name: 'LimitError'})
    const full = await start(kind, {status: 507}, Infinity)
    await expect(kind.run(full.store)).rejects.toMatchObject({code: 'ERR_INJECT_REGISTRY_FULL'})
    expect([...large.delays, ...full.delays]).toEqual([])
  })

  it.each([
    ['two lengths', 'Content-Length: 1\r\nContent-Length: 2\r\n\r\nx'],
    ['a negative length', 'Content-Length: -1\r\n\r\n'],
    ['a length of 1e3', 'Content-Length: 1e3\r\n\r\nx'],
    ['headers of 1 MiB', `X: ${'x'.repeat(1024 * 1024)}\r\n\r\n`],
  ])('F12 F32 refuses %s, and ends', async (__, rest) => {
    const {store} = await start(kind, {raw: `HTTP/1.1 200 OK\r\n${rest}`}, Infinity)
    await expect(kind.run(store)).rejects.toMatchObject({name: 'NetworkError'})
  })

  it('F32 gets on with HTTP/1.0', async () => {
    const {store} = await start(kind, {raw: 'HTTP/1.0 503 Busy\r\n\r\nbusy'}, 1)
    expect(await kind.run(store)).toBeDefined()
  })

  it('F28 refuses a status that is not one of those due', async () => {
    const {store} = await start(kind, {status: 299}, Infinity)
    await expect(kind.run(store)).rejects.toMatchObject({code: 'ERR_INJECT_REGISTRY_ANSWER'})
  })

  it('is aborted at once while it waits for an answer', async () => {
    const {server} = await start(kind, {stall: true}, Infinity)
    const stop = new AbortController()
    const {store} = openRegistry(server.address, {
      signal: stop.signal,
      timeouts: {response: 60_000},
    })
    const running = kind.run(store)
    const settled = running.catch((error: unknown) => error)
    while (!server.requests.some(kind.isIt)) await new Promise((resolve) => setTimeout(resolve, 5))
    stop.abort(new Error('enough'))
    expect(await settled).toMatchObject({message: 'enough'})
  })

  it('F1 says that nobody answers', async () => {
    const {store, server, delays} = await start(kind, {}, 0)
    await server.close()
    await expect(kind.run(store)).rejects.toMatchObject({
      code: 'ERR_INJECT_NETWORK',
      message: expect.stringMatching(/ECONNREFUSED.*\(tried 6 times\)$/) as string,
    })
    expect(delays).toEqual([250, 500, 1000, 2000, 4000])
  })
})

describe('R4 an answer that is lost after the work was done', () => {
  it.each(['POST upload', 'PUT blob', 'PATCH', 'PUT after PATCH', 'PUT manifest'])(
    '%s',
    async (name) => {
      const kind = kinds[name]!
      const lost = async (request: SeenRequest, registry: FakeRegistry): Promise<Answer> => {
        await registry.handler(request)
        return {reset: true}
      }
      const {store, registry, server} = await start(kind, lost, 1)
      expect([await kind.run(store)]).toMatchObject([kind.result])
      kind.after?.(registry)
      // what was done is not done again
      const again = server.requests.filter(kind.isIt)
      expect(again).toHaveLength(name.startsWith('POST') ? 2 : 1)
    },
  )

  it('PUT manifest, when somebody else moved the tag meanwhile', async () => {
    const other = digestOf(Buffer.from('other'))
    const kind = kinds['PUT manifest']!
    const {store} = await start(
      kind,
      (_, {tags, manifests}) => {
        tags.set('v1', other)
        manifests.set(other, {bytes: Buffer.from('other'), mediaType: ociManifest})
        return {reset: true}
      },
      1,
    )
    await expect(kind.run(store)).rejects.toMatchObject({
      code: 'ERR_INJECT_TAG_MOVED',
      expected: manifest,
      found: other,
    })
  })
})
