import {describe, expect, it} from 'vitest'
import {LocalIoError} from '../../../src/errors.js'
import {digestOf} from '../../../src/oci/digest.js'
import type {WithJournal} from '../../../src/store/upload-journal.js'
import {createFakeRegistry, registryError, type FakeRegistry} from '../../support/fake-registry.js'
import {
  type Answer,
  type FakeServer,
  type SeenRequest,
  startFakeServer,
} from '../../support/fake-server.js'
import {largeChunks, openRegistry, sourceOf} from '../../support/open-registry.js'
import type {RegistryStoreOptions} from '../../../src/registry/registry-store.js'

const bytes = Buffer.from('some bytes')
const blob = {digest: digestOf(bytes), size: bytes.length}
const large = {digest: digestOf(Buffer.concat(largeChunks())), size: 9 * 1024 * 1024}
const upload = '/v2/team/app/blobs/uploads/'

async function start(
  fault?: (
    request: SeenRequest,
    registry: FakeRegistry,
  ) => Answer | undefined | Promise<Answer | undefined>,
  options: RegistryStoreOptions = {},
) {
  const registry: FakeRegistry = createFakeRegistry({
    fault: (request) => fault?.(request, registry),
  })
  const server = await startFakeServer(registry.handler)
  return {...openRegistry(server.address, options), registry, server}
}
const steps = ({requests}: FakeServer) => requests.map(({method}) => method).join(' ')

describe('putBlob', () => {
  it('asks, opens a session and sends in one PUT what is known', async () => {
    const {store, registry, server} = await start()
    expect(await store.putBlob(sourceOf('some ', 'bytes'), {expected: blob})).toEqual({
      ...blob,
      written: true,
    })
    expect(registry.blobs.get(blob.digest)).toEqual(bytes)
    expect(steps(server)).toBe('HEAD POST PUT')
    expect(server.requests[1]?.headers).toMatchObject({'content-length': '0'})
    expect(server.requests[2]?.headers).toMatchObject({
      'content-length': '10',
      'content-type': 'application/octet-stream',
      'user-agent': 'inject',
    })
    expect(server.lines()[2]).toContain(`?_state=a+b%7Ec&digest=${encodeURIComponent(blob.digest)}`)
  })

  it('sends nothing, and reads nothing, when the registry has it', async () => {
    const {store, registry, server} = await start()
    registry.blobs.set(blob.digest, bytes)
    const source = sourceOf(bytes)
    expect(await store.putBlob(source, {expected: blob})).toEqual({...blob, written: false})
    expect(steps(server)).toBe('HEAD')
    expect(source.opened).toBe(0)
  })

  it('learns the digest of what is small before it sends it', async () => {
    const {store, server} = await start()
    const source = sourceOf('some ', '', 'bytes')
    expect(await store.putBlob(source)).toEqual({...blob, written: true})
    expect(await store.putBlob(source)).toEqual({...blob, written: false})
    expect(steps(server)).toBe('HEAD POST PUT HEAD')
  })

  it('asks for a journal only where another process could go on', async () => {
    const {store} = await start()
    let journals = 0
    const withJournal: WithJournal = (work) => {
      journals++
      return work(undefined)
    }
    expect(await store.putBlob(sourceOf(bytes), {withJournal})).toMatchObject({written: true})
    expect(journals).toBe(0)
    expect(await store.putBlob(sourceOf(...largeChunks()), {withJournal})).toEqual({
      ...large,
      written: true,
    })
    expect(journals).toBe(1)
  })

  it('takes an empty blob', async () => {
    const {store, registry} = await start()
    const empty = {digest: digestOf(Buffer.alloc(0)), size: 0}
    expect(await store.putBlob(sourceOf())).toEqual({...empty, written: true})
    expect(registry.blobs.get(empty.digest)).toHaveLength(0)
  })

  it('streams what is large in one PATCH, and opens it once', async () => {
    const {store, registry, server} = await start()
    const source = sourceOf(...largeChunks())
    expect(await store.putBlob(source)).toEqual({...large, written: true})
    expect(digestOf(registry.blobs.get(large.digest)!)).toBe(large.digest)
    expect(source.opened).toBe(1)
    expect(steps(server)).toBe('POST PATCH PUT')
    const {headers} = server.requests[1]!
    expect(headers['transfer-encoding']).toBe('chunked')
    expect(headers).not.toHaveProperty('content-range')
    expect(headers).not.toHaveProperty('content-length')
    // from the location that the PATCH gave
    expect(server.lines()[2]).toContain('?_state=next&digest=')
  })

  it('keeps to sha512 where that was asked for', async () => {
    const {store, registry} = await start()
    const expected = {digest: digestOf(bytes, 'sha512'), size: bytes.length}
    expect(await store.putBlob(sourceOf(bytes), {expected})).toEqual({...expected, written: true})
    expect([...registry.blobs.keys()]).toEqual([expected.digest])
  })

  it('T-53 asks for its own digest when the registry speaks of another algorithm', async () => {
    const expected = {digest: digestOf(bytes, 'sha512'), size: bytes.length}
    const answer: Answer = {status: 201, headers: {'docker-content-digest': blob.digest}}
    const {store, server} = await start(({method}) => (method === 'PUT' ? answer : undefined))
    await expect(store.putBlob(sourceOf(bytes), {expected})).rejects.toThrow(/does not have it/)
    expect(steps(server)).toBe('HEAD POST PUT HEAD GET DELETE')
  })

  it.each([
    ['other bytes', 'some bytez', 'ERR_INJECT_DIGEST_MISMATCH'],
    ['too few', 'some', 'ERR_INJECT_SIZE_MISMATCH'],
    ['too many', 'some bytes and more', 'ERR_INJECT_SIZE_MISMATCH'],
  ])('refuses a source that gives %s, and stores nothing', async (_, content, code) => {
    const {store, registry} = await start()
    await expect(store.putBlob(sourceOf(content), {expected: blob})).rejects.toMatchObject({
      name: 'IntegrityError',
      code,
    })
    expect(registry.blobs.size).toBe(0)
    expect(registry.uploads.size).toBe(0)
  })

  it('refuses a blob that the registry has in another size', async () => {
    const {store, registry} = await start()
    registry.blobs.set(blob.digest, Buffer.alloc(3))
    await expect(store.putBlob(sourceOf(bytes), {expected: blob})).rejects.toMatchObject({
      code: 'ERR_INJECT_SIZE_MISMATCH',
      expected: 10,
      found: 3,
    })
  })

  it.each([1, 9])(
    'passes on what a source of %i chunks throws, and cancels the session',
    async (count) => {
      const {store, registry} = await start()
      const error = new LocalIoError('ERR_INJECT_CHANGED', 'it changed')
      const source = {
        // eslint-disable-next-line @typescript-eslint/require-await -- nothing to wait for
        async *open() {
          for (const chunk of largeChunks().slice(0, count)) yield chunk
          throw error
        },
      }
      await expect(store.putBlob(source)).rejects.toBe(error)
      await expect(store.putBlob(source, {expected: {...large, size: 10e6}})).rejects.toBe(error)
      expect([registry.blobs.size, registry.uploads.size]).toEqual([0, 0])
    },
  )

  it.each(['POST', 'PATCH', 'PUT'])(
    'cancels the session when it is aborted at the %s',
    async (method) => {
      const stop = new AbortController()
      const own = method === 'PUT'
      const {store, registry, server} = await start(
        (request) => {
          if (request.method !== method) return undefined
          stop.abort(new Error('enough'))
          return method === 'POST' ? undefined : {stall: true}
        },
        own ? {} : {signal: stop.signal},
      )
      const putting = store.putBlob(sourceOf(...largeChunks()), own ? {signal: stop.signal} : {})
      await expect(putting).rejects.toThrow('enough')
      if (method === 'POST') return
      expect(steps(server)).toMatch(/DELETE$/)
      expect(registry.uploads.size).toBe(0)
    },
  )

  it('does not mind when the session cannot be cancelled', async () => {
    const {store} = await start(({method}) => {
      if (method === 'DELETE') return {status: 500}
      return method === 'PUT' ? {status: 403} : undefined
    })
    await expect(store.putBlob(sourceOf(bytes))).rejects.toMatchObject({
      name: 'AuthenticationError',
    })
  })

  it.each([404, 405, 400, 501])(
    'F23 sends with a PATCH what is refused (%i) in one PUT',
    async (status) => {
      const {store, registry, server} = await start(({method, body}) =>
        method === 'PUT' && body.length > 0 ? {status} : undefined,
      )
      const source = sourceOf(bytes)
      expect(await store.putBlob(source, {expected: blob})).toEqual({...blob, written: true})
      expect(steps(server)).toBe('HEAD POST PUT DELETE POST PATCH PUT')
      expect(server.requests[5]?.headers['content-length']).toBe('10')
      expect(registry.uploads.size).toBe(0)
      expect(source.opened).toBe(2)
    },
  )

  it('gives up when both ways are refused', async () => {
    const {store, server} = await start(({method}) =>
      method === 'PUT' ? registryError(400, 'X', 'no') : undefined,
    )
    await expect(store.putBlob(sourceOf(bytes))).rejects.toThrow(/answered 400 X: no$/)
    expect(steps(server)).toBe('HEAD POST PUT DELETE POST PATCH PUT DELETE')
  })

  it('F14 tries once more when the registry got other bytes, then fails', async () => {
    const {store, server} = await start(({method}) =>
      method === 'PUT' ? registryError(400, 'DIGEST_INVALID') : undefined,
    )
    await expect(store.putBlob(sourceOf(bytes))).rejects.toMatchObject({name: 'IntegrityError'})
    expect(server.requests.filter(({method}) => method === 'PUT')).toHaveLength(2)
  })

  it.each([404, 410, 416])('R5 begins again when the session is lost (%i)', async (status) => {
    let lost = 0
    const source = sourceOf(...largeChunks())
    const {store, registry} = await start(({method}) =>
      (method === 'PATCH' || method === 'PUT') && lost++ < 2 ? {status} : undefined,
    )
    expect(await store.putBlob(source)).toEqual({...large, written: true})
    // nine megabytes are kept in memory
    expect(source.opened).toBe(1)
    expect(registry.uploads.size).toBe(0)
  })

  it('R5 sends a stream three times more at most, while the registry has none of it', async () => {
    const {store, registry, server} = await start(({method}) =>
      method === 'PATCH' ? {status: 503} : undefined,
    )
    await expect(store.putBlob(sourceOf(...largeChunks()))).rejects.toMatchObject({
      name: 'NetworkError',
    })
    expect(steps(server)).toBe('POST PATCH GET PATCH GET PATCH GET PATCH DELETE')
    expect(registry.uploads.size).toBe(0)
  })

  it('R4 asks before it commits again', async () => {
    let lost = 0
    const {store, server} = await start(({method}) => {
      if (method !== 'PUT' || lost++ > 0) return undefined
      return {reset: true}
    })
    expect(await store.putBlob(sourceOf(...largeChunks()))).toEqual({...large, written: true})
    expect(steps(server)).toBe('POST PATCH PUT HEAD PUT')
  })

  it.each([401, 403])('pushes where it must not look (%i)', async (status) => {
    const {store, registry} = await start(({method}) =>
      method === 'HEAD' || method === 'GET' ? {status} : undefined,
    )
    expect(await store.putBlob(sourceOf(bytes))).toEqual({...blob, written: true})
    expect(registry.blobs.size).toBe(1)
  })

  it('F22 says that the repository is not there', async () => {
    const {store} = await start(() =>
      registryError(404, 'NAME_UNKNOWN', 'repository name not known'),
    )
    await expect(store.putBlob(sourceOf(bytes))).rejects.toMatchObject({
      name: 'NotFoundError',
      message: expect.stringMatching(/NAME_UNKNOWN: repository name not known$/) as string,
    })
  })

  it.each([
    [201, true],
    [202, true],
    [204, true],
    [200, false],
    [206, false],
  ])('F28 takes a PATCH that answers %i: %s', async (status, taken) => {
    // without a location of its own, the one before holds
    const {store, server} = await start(({method, body}, {uploads}) => {
      if (method !== 'PATCH') return undefined
      for (const id of uploads.keys()) uploads.set(id, body)
      return {status}
    })
    const putting = store.putBlob(sourceOf(...largeChunks()))
    if (taken) expect(await putting).toEqual({...large, written: true})
    else await expect(putting).rejects.toMatchObject({code: 'ERR_INJECT_REGISTRY_ANSWER'})
    expect(steps(server)).toBe(taken ? 'POST PATCH PUT' : 'POST PATCH DELETE')
  })

  it.each([200, 202])('F28 does not believe a PUT that answers %i', async (status) => {
    const {store, registry, server} = await start(({method}) =>
      method === 'PUT' ? {status} : undefined,
    )
    await expect(store.putBlob(sourceOf(bytes))).rejects.toThrow(
      /took blob .* but does not have it/,
    )
    expect(steps(server)).toBe('HEAD POST PUT HEAD GET DELETE')
    registry.blobs.set(blob.digest, bytes)
    expect(await store.putBlob(sourceOf(bytes))).toMatchObject({written: false})
  })

  it('F30 refuses a PUT that speaks of another digest', async () => {
    const {store} = await start(({method}) =>
      method === 'PUT'
        ? {status: 201, headers: {'docker-content-digest': large.digest}}
        : undefined,
    )
    await expect(store.putBlob(sourceOf(bytes))).rejects.toMatchObject({
      code: 'ERR_INJECT_DIGEST_MISMATCH',
      expected: blob.digest,
      found: large.digest,
    })
  })

  it('F29 T-33 goes on at another host without the credentials', async () => {
    const storage = createFakeRegistry()
    const other = await startFakeServer(storage.handler)
    storage.uploads.set('1', Buffer.alloc(0))
    const login = `Basic ${Buffer.from('me:canary').toString('base64')}`
    const {store} = await start(
      ({method, headers}) => {
        if (headers.authorization !== login)
          return {status: 401, headers: {'www-authenticate': 'Basic realm="x"'}}
        return method === 'POST'
          ? {status: 202, headers: {location: `http://${other.address}${upload}1?sig=a%20b`}}
          : undefined
      },
      {credentials: {username: 'me', password: 'canary'}},
    )
    expect(await store.putBlob(sourceOf(bytes))).toEqual({...blob, written: true})
    expect(storage.blobs.get(blob.digest)).toEqual(bytes)
    for (const {headers} of other.requests) expect(headers).not.toHaveProperty('authorization')
  })

  it.each([undefined, '', 'http://user:canary@127.0.0.1/', 'file:///x', 'http://169.254.169.254/'])(
    'F29 T-33 refuses to go on at %s',
    async (location) => {
      const {store} = await start(({method}) =>
        method === 'POST'
          ? {status: 202, headers: location === undefined ? {} : {location}}
          : undefined,
      )
      const error = await store.putBlob(sourceOf(bytes)).catch((error: unknown) => error)
      expect(error).toMatchObject({code: 'ERR_INJECT_LOCATION_REFUSED'})
      expect(String(error)).not.toMatch(/canary/)
    },
  )

  it('F29 T-33 refuses a location of 64 KiB', async () => {
    const {store} = await start(({method}) =>
      method === 'POST' ? {status: 202, headers: {location: `/${'x'.repeat(65_536)}`}} : undefined,
    )
    await expect(store.putBlob(sourceOf(bytes))).rejects.toMatchObject({code: 'ERR_INJECT_NETWORK'})
  })

  it('F16 gives up on a registry that takes no more bytes', async () => {
    const registry = createFakeRegistry()
    const server = await startFakeServer(
      (request) => (request.method === 'PATCH' ? {stall: true} : registry.handler(request)),
      {early: ({method}) => method === 'PATCH'},
    )
    const {store} = openRegistry(server.address, {
      retries: {attempts: 4},
      timeouts: {idle: 150, response: 60_000},
    })
    const source = {
      // eslint-disable-next-line @typescript-eslint/require-await -- nothing to wait for
      async *open() {
        for (let index = 0; index < 100; index++) yield Buffer.alloc(1024 * 1024)
      },
    }
    await expect(store.putBlob(source)).rejects.toThrow(
      /nothing taken for 150 ms \(tried 4 times\)/,
    )
  })

  it('does not take a slow source for a slow registry', async () => {
    const {store} = await start(undefined, {timeouts: {idle: 150, response: 150}})
    const source = {
      async *open() {
        for (const chunk of largeChunks()) {
          yield chunk
          if (chunk[0] === 8) await new Promise((resolve) => setTimeout(resolve, 400))
        }
      },
    }
    expect(await store.putBlob(source)).toEqual({...large, written: true})
  })

  it('takes an answer that comes before the body is sent', async () => {
    const registry = createFakeRegistry()
    const server = await startFakeServer(
      (request) =>
        request.method === 'PATCH' ? registryError(413, 'SIZE_INVALID') : registry.handler(request),
      {early: ({method}) => method === 'PATCH'},
    )
    const {store} = openRegistry(server.address)
    let ended = false
    const source = {
      async *open() {
        try {
          for (let index = 0; index < 1000; index++)
            yield await Promise.resolve(Buffer.alloc(1024 * 1024))
        } finally {
          ended = true
        }
      },
    }
    await expect(store.putBlob(source)).rejects.toMatchObject({name: 'LimitError'})
    expect(ended).toBe(true)
  })

  it('puts one blob many times at once', async () => {
    const {store, registry} = await start()
    const results = await Promise.all(Array.from({length: 8}, () => store.putBlob(sourceOf(bytes))))
    for (const result of results) expect(result).toMatchObject(blob)
    expect(registry.blobs.get(blob.digest)).toEqual(bytes)
  })
})
