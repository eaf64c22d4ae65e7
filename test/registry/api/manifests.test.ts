import {describe, expect, it} from 'vitest'
import {digestOf} from '../../../src/oci/digest.js'
import {manifestMediaTypes, ociManifest} from '../../../src/oci/media-type.js'
import {createFakeRegistry, type FakeRegistry, registryError} from '../../support/fake-registry.js'
import {
  type Answer,
  type FakeServer,
  type SeenRequest,
  startFakeServer,
} from '../../support/fake-server.js'
import {openRegistry} from '../../support/open-registry.js'

const before = Buffer.from('{"schemaVersion":2}')
const after = Buffer.from('{"schemaVersion":2,"after":true}')
const theirs = Buffer.from('{"schemaVersion":2,"theirs":true}')
const [beforeDigest, afterDigest, theirDigest] = [
  digestOf(before),
  digestOf(after),
  digestOf(theirs),
]

async function start({
  conditions = false,
  fault,
}: {
  conditions?: boolean
  fault?: (request: SeenRequest, registry: FakeRegistry) => Answer | undefined
} = {}) {
  const registry: FakeRegistry = createFakeRegistry({
    conditions,
    fault: (request) => fault?.(request, registry),
  })
  for (const bytes of [before, theirs]) {
    registry.manifests.set(digestOf(bytes), {bytes, mediaType: ociManifest})
  }
  registry.tags.set('v1', beforeDigest)
  const server = await startFakeServer(registry.handler)
  return {...openRegistry(server.address), registry, server}
}
const steps = ({requests}: FakeServer) =>
  requests.map(({method, path}) => `${method} ${path.slice(path.lastIndexOf('/') + 1).slice(0, 9)}`)
const puts = ({requests}: FakeServer) => requests.filter(({method}) => method === 'PUT')

describe('getManifest', () => {
  it('asks for all kinds and gives the bytes as they came', async () => {
    const {store, server} = await start()
    expect(await store.getManifest('v1')).toEqual({
      descriptor: {mediaType: ociManifest, digest: beforeDigest, size: before.length},
      bytes: new Uint8Array(before),
    })
    expect(server.requests[0]?.headers.accept).toBe(manifestMediaTypes.join(', '))
  })

  it.each(['', '../x', 'a/b', 'a?b', '-x', '.x', 'x'.repeat(129), 'sha256:abc', 'a b', 'x\r\ny'])(
    'T-34 asks for nothing named %j',
    async (reference) => {
      const {store, server} = await start()
      await expect(store.getManifest(reference)).rejects.toMatchObject({name: 'UsageError'})
      await expect(store.statManifest(reference)).rejects.toMatchObject({name: 'UsageError'})
      const tags = [{tag: reference, from: undefined}]
      await expect(store.putManifest(after, ociManifest, {tags})).rejects.toMatchObject({
        name: 'UsageError',
      })
      expect(server.requests).toEqual([])
    },
  )
})

describe('putManifest', () => {
  it('stores by digest where no tag is to move', async () => {
    const {store, registry, server} = await start()
    expect(await store.putManifest(after, ociManifest)).toEqual({
      mediaType: ociManifest,
      digest: afterDigest,
      size: after.length,
    })
    expect(registry.manifests.get(afterDigest)).toEqual({bytes: after, mediaType: ociManifest})
    expect([...registry.tags]).toEqual([['v1', beforeDigest]])
    expect(steps(server)).toEqual(['PUT sha256:ab'.replace('ab', afterDigest.slice(7, 9))])
  })

  it('looks, puts with a condition, and reads back', async () => {
    const {store, registry, server} = await start()
    await store.putManifest(after, ociManifest, {tags: [{tag: 'v1', from: beforeDigest}]})
    expect(registry.tags.get('v1')).toBe(afterDigest)
    expect(steps(server)).toEqual(['HEAD v1', 'PUT v1', 'HEAD v1'])
    expect(puts(server)[0]?.headers).toMatchObject({
      'if-match': `"${beforeDigest}"`,
      'content-type': ociManifest,
      'content-length': String(after.length),
    })
  })

  it('asks that a new tag be new', async () => {
    const {store, server} = await start({conditions: true})
    await store.putManifest(after, ociManifest, {tags: [{tag: 'new', from: 'absent'}]})
    expect(steps(server)).toEqual(['HEAD new', 'PUT new', 'HEAD new'])
    expect(puts(server)[0]?.headers['if-none-match']).toBe('*')
  })

  it('asks for nothing where the tag is to move in any case', async () => {
    const {store, server} = await start({conditions: true})
    await store.putManifest(after, ociManifest, {tags: [{tag: 'v1', from: undefined}]})
    expect(steps(server)).toEqual(['PUT v1'])
    expect(puts(server)[0]?.headers).not.toHaveProperty('if-match')
  })

  it.each([
    ['was moved', beforeDigest, theirDigest],
    ['was deleted', beforeDigest, undefined],
    ['was made', 'absent', theirDigest],
  ] as const)('finds that the tag %s before it sends anything', async (_, from, found) => {
    const {store, registry, server} = await start()
    if (found) registry.tags.set('v1', found)
    else registry.tags.delete('v1')
    const tags = [{tag: 'v1', from}]
    await expect(store.putManifest(after, ociManifest, {tags})).rejects.toMatchObject({
      name: 'ConflictError',
      code: 'ERR_INJECT_TAG_MOVED',
      expected: from,
      found: found ?? 'absent',
    })
    expect(puts(server)).toEqual([])
    expect(registry.tags.get('v1')).toBe(found)
  })

  it('moves none of several tags when one has moved', async () => {
    const {store, registry, server} = await start()
    const tags = [
      {tag: 'v2', from: 'absent' as const},
      {tag: 'v1', from: theirDigest},
    ]
    await expect(store.putManifest(after, ociManifest, {tags})).rejects.toMatchObject({
      name: 'ConflictError',
    })
    expect(puts(server)).toEqual([])
    expect([...registry.tags.keys()]).toEqual(['v1'])
  })

  it('moves several tags in their order', async () => {
    const {store, registry, server} = await start()
    const tags = ['b', 'a', 'c'].map((tag) => ({tag, from: undefined}))
    await store.putManifest(after, ociManifest, {tags})
    expect(steps(server)).toEqual(['PUT b', 'PUT a', 'PUT c'])
    expect(registry.tags.get('c')).toBe(afterDigest)
  })

  it('loses to anyone who is in between, where the registry knows conditions', async () => {
    const {store, registry} = await start({
      conditions: true,
      fault: ({method}, {tags}) => {
        if (method === 'PUT') tags.set('v1', theirDigest)
        return undefined
      },
    })
    const tags = [{tag: 'v1', from: beforeDigest}]
    await expect(store.putManifest(after, ociManifest, {tags})).rejects.toMatchObject({
      code: 'ERR_INJECT_TAG_MOVED',
      expected: beforeDigest,
      found: theirDigest,
    })
    expect(registry.tags.get('v1')).toBe(theirDigest)
  })

  it('X2 says that it was overwritten at once, where the registry knows none', async () => {
    const {store} = await start({
      fault: ({method}, {tags}) => {
        if (method === 'HEAD' && tags.get('v1') === afterDigest) tags.set('v1', theirDigest)
        return undefined
      },
    })
    const tags = [{tag: 'v1', from: beforeDigest}]
    await expect(store.putManifest(after, ociManifest, {tags})).rejects.toMatchObject({
      code: 'ERR_INJECT_TAG_MOVED',
      found: theirDigest,
    })
  })

  it('F30 refuses an answer that speaks of another digest', async () => {
    const {store} = await start({
      fault: ({method}) =>
        method === 'PUT'
          ? {status: 201, headers: {'docker-content-digest': theirDigest}}
          : undefined,
    })
    await expect(store.putManifest(after, ociManifest)).rejects.toMatchObject({
      name: 'IntegrityError',
    })
  })

  it.each([200, 202, 204])('F28 verifies after a PUT that answers %i', async (status) => {
    const {store} = await start({fault: ({method}) => (method === 'PUT' ? {status} : undefined)})
    await expect(store.putManifest(after, ociManifest)).rejects.toThrow(/but does not have it/)
    await expect(store.putManifest(before, ociManifest)).resolves.toMatchObject({
      digest: beforeDigest,
    })
  })

  it.each([400, 404])('F22 says which blob is missing (%i)', async (status) => {
    const {store} = await start({
      fault: ({method}) =>
        method === 'PUT'
          ? registryError(status, 'MANIFEST_BLOB_UNKNOWN', 'blob unknown to registry')
          : undefined,
    })
    await expect(store.putManifest(after, ociManifest)).rejects.toMatchObject({
      name: 'NotFoundError',
      code: 'ERR_INJECT_MANIFEST_BLOB_UNKNOWN',
    })
  })

  it('T-55 sends no more than 4 MiB', async () => {
    const {store, server} = await start()
    const large = new Uint8Array(4 * 1024 * 1024 + 1)
    await expect(store.putManifest(large, ociManifest)).rejects.toMatchObject({name: 'LimitError'})
    expect(server.requests).toEqual([])
  })
})

describe('a tag that must not move', () => {
  const words = [
    [
      400,
      'TAG_INVALID',
      "The image tag 'v1' already exists in the 'x' repository and cannot be overwritten because the tag is immutable.",
    ],
    [
      412,
      'PRECONDITION',
      "Failed to process request due to 'x:v1' configured as immutable, cannot be updated.",
    ],
    [409, 'TAG_IMMUTABLE', 'tag is immutable'],
    [403, 'DENIED', 'immutable tags cannot be moved'],
  ] as const
  const refusing = (status: number, code: string, message: string) => (request: SeenRequest) =>
    request.method === 'PUT' && request.path.includes('/manifests/')
      ? registryError(status, code, message)
      : undefined

  it.each(words)('is a conflict, whatever the answer: %i %s', async (status, code, message) => {
    const {store, registry} = await start({fault: refusing(status, code, message)})
    const tags = [{tag: 'v1', from: beforeDigest}]
    await expect(store.putManifest(after, ociManifest, {tags})).rejects.toMatchObject({
      name: 'ConflictError',
      code: 'ERR_INJECT_TAG_IMMUTABLE',
    })
    expect(registry.tags.get('v1')).toBe(beforeDigest)
  })

  it.each(words)('is right as it is when it names this already: %i', async (...answer) => {
    const {store, server} = await start({fault: refusing(...answer)})
    const tags = [{tag: 'v1', from: beforeDigest}]
    await store.putManifest(before, ociManifest, {tags})
    expect(puts(server)).toHaveLength(1)
  })

  it('a condition that the registry takes otherwise is left out, once the tag was looked at', async () => {
    const {store, registry, server} = await start({
      fault: ({method, headers}) =>
        method === 'PUT' && headers['if-match'] ? registryError(412, 'UNKNOWN') : undefined,
    })
    await store.putManifest(after, ociManifest, {tags: [{tag: 'v1', from: beforeDigest}]})
    expect(registry.tags.get('v1')).toBe(afterDigest)
    expect(puts(server)).toHaveLength(2)
  })
})
