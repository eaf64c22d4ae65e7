import fc from 'fast-check'
import {chmod, open} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {ConflictError} from '../../src/errors.js'
import {type Digest, digestOf} from '../../src/oci/digest.js'
import {
  dockerConfig,
  dockerManifest,
  dockerManifestList,
  dockerSchema1,
  ociConfig,
  ociIndex,
  ociManifest,
} from '../../src/oci/media-type.js'
import type {RepositoryRoot} from '../../src/store/repository.js'
import type {MemoryRoot} from '../support/memory-root.js'
import {collect, largeChunks, listed, openRegistry, sourceOf} from '../support/open-registry.js'
import {
  describeRoots,
  makeManifest,
  pushBlob,
  putManifest,
  send,
  sendRaw,
  serveRegistry,
} from '../support/served-registry.js'
import {partsOf} from '../support/multipart.js'
import {runs} from '../support/property-runs.js'

/** Changes the last byte of a blob where it is kept. */
async function damage(root: RepositoryRoot, name: string, digest: Digest): Promise<void> {
  if ('repositories' in root) {
    const {blobs} = (root as MemoryRoot).repositories.get(name)!
    blobs.set(digest, Buffer.from(blobs.get(digest)!).fill('y', 299_999))
    return
  }
  const path = join(root.directory, name, 'blobs', digest.replace(':', '/'))
  await chmod(path, 0o644)
  const file = await open(path, 'r+')
  await file.write('y', 299_999)
  await file.close()
}

const missing = `sha256:${'0'.repeat(64)}`

describeRoots('the distribution API', (makeRoot) => {
  const serve = async (options = {}) => serveRegistry({root: await makeRoot(), ...options})

  describe('our own client', () => {
    it('stores and reads blobs, manifests and tags', async () => {
      const {address} = await serve()
      const {store} = openRegistry(address)
      const chunks = largeChunks()
      const small = await store.putBlob(sourceOf('small'))
      const large = await store.putBlob(sourceOf(...chunks))
      expect(large).toMatchObject({digest: digestOf(Buffer.concat(chunks)), written: true})
      expect(await store.putBlob(sourceOf('small'))).toMatchObject({written: false})
      expect(digestOf(await collect(await store.openBlob(large)))).toBe(large.digest)
      expect(await store.statBlob(small.digest)).toEqual({digest: small.digest, size: 5})
      expect(await store.statBlob(missing as typeof small.digest)).toBeUndefined()
      const bytes = await makeManifest(address, 'team/app')
      await store.putManifest(bytes, ociManifest, {tags: [{tag: 'v1', from: 'absent'}]})
      const got = await store.getManifest('v1')
      expect(Buffer.from(got?.bytes ?? []).equals(bytes)).toBe(true)
      expect(got?.descriptor).toEqual({
        mediaType: ociManifest,
        digest: digestOf(bytes),
        size: bytes.length,
      })
      expect(await listed(store.listTags())).toEqual(['v1'])
    })

    it('X1 of 8 that move one tag on condition at once, one wins and 7 are told', async () => {
      const {address} = await serve()
      const bytes = await makeManifest(address, 'team/app')
      const from = digestOf(bytes)
      expect((await putManifest(address, 'team/app/manifests/latest', bytes)).status).toBe(201)
      const versions = await Promise.all(
        Array.from({length: 8}, (_, index) =>
          makeManifest(address, 'team/app', {annotations: {version: String(index)}}),
        ),
      )
      const moves = await Promise.allSettled(
        versions.map(async (version) => {
          const {store} = openRegistry(address)
          await store.putManifest(version, ociManifest, {tags: [{tag: 'latest', from}]})
          return digestOf(version)
        }),
      )
      const won = moves.filter((move) => move.status === 'fulfilled')
      const lost = moves.flatMap((move) =>
        move.status === 'rejected' ? [move.reason as unknown] : [],
      )
      expect(won).toHaveLength(1)
      for (const reason of lost) expect(reason).toBeInstanceOf(ConflictError)
      const {headers} = await send(address, 'HEAD', '/v2/team/app/manifests/latest')
      expect(headers['docker-content-digest']).toBe(won[0]?.value)
    })

    it('X3 8 that make 8 tags at once make all of them', async () => {
      const {address} = await serve()
      const bytes = await makeManifest(address, 'team/app')
      const tags = Array.from({length: 8}, (_, index) => `v${index}`)
      await Promise.all(
        tags.map(async (tag) => {
          const {store} = openRegistry(address)
          await store.putManifest(bytes, ociManifest, {tags: [{tag, from: 'absent'}]})
        }),
      )
      expect(await listed(openRegistry(address).store.listTags())).toEqual(tags)
    })
  })

  describe('uploads', () => {
    it('X5 of two requests that append to one session at once, one is refused and nothing is mixed', async () => {
      const {address} = await serve()
      const {headers} = await send(address, 'POST', '/v2/a/blobs/uploads/')
      const location = headers.location ?? ''
      const first = 'a'.repeat(300_000)
      const second = 'b'.repeat(300_000)
      const statuses = await Promise.all(
        [first, second].map(async (body) => {
          const range = {'content-range': `0-${body.length - 1}`}
          return (await send(address, 'PATCH', location, {body, headers: range})).status
        }),
      )
      expect(statuses).toContain(202)
      expect(statuses.filter((status) => status !== 202)).toEqual([
        expect.toSatisfy((status) => status === 409 || status === 416),
      ])
      const winner = statuses[0] === 202 ? first : second
      const closed = await send(
        address,
        'PUT',
        `${location}?digest=${digestOf(Buffer.from(winner))}`,
      )
      expect(closed.status).toBe(201)
    })

    it('T-72 a session means nothing in another repository, and none can be chosen', async () => {
      const {address} = await serve()
      await pushBlob(address, 'b', 'x')
      const {headers} = await send(address, 'POST', '/v2/a/blobs/uploads/')
      const id = (headers.location ?? '').split('/').at(-1) ?? ''
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      for (const path of [
        `/v2/b/blobs/uploads/${id}`,
        '/v2/a/blobs/uploads/mine',
        `/v2/a/blobs/uploads/${id.toUpperCase()}`,
      ]) {
        for (const method of ['GET', 'PATCH', 'PUT', 'DELETE']) {
          const query = method === 'PUT' ? `?digest=${missing}` : ''
          const answer = await send(address, method, path + query)
          expect([answer.status, answer.code]).toEqual([404, 'BLOB_UPLOAD_UNKNOWN'])
        }
      }
      expect((await send(address, 'GET', headers.location ?? '')).status).toBe(204)
    })

    it('an upload begins without the slash at the end, too, and its HEAD says how far it is', async () => {
      const {address} = await serve()
      const started = await send(address, 'POST', '/v2/a/blobs/uploads')
      expect(started.status).toBe(202)
      const location = started.headers.location ?? ''
      await send(address, 'PATCH', location, {body: 'abc'})
      for (const method of ['GET', 'HEAD']) {
        const {status, headers} = await send(address, method, location)
        expect([status, headers['range']]).toEqual([204, '0-2'])
      }
      const put = `${location}?digest=${digestOf(Buffer.from('abc'))}`
      expect((await send(address, 'PUT', put)).status).toBe(201)
      const mount = `/v2/b/blobs/uploads?mount=${digestOf(Buffer.from('abc'))}&from=a`
      expect((await send(address, 'POST', mount)).status).toBe(201)
      expect((await send(address, 'GET', '/v2/a/blobs/uploads')).status).toBe(405)
    })

    it('a chunk out of order is refused with 416 and where to go on', async () => {
      const {address} = await serve()
      const {headers} = await send(address, 'POST', '/v2/a/blobs/uploads/')
      const location = headers.location ?? ''
      const chunk = (range: string, body: string) =>
        send(address, 'PATCH', location, {body, headers: {'content-range': range}})
      expect((await chunk('0-2', 'abc')).status).toBe(202)
      for (const range of ['0-2', '2-4', '4-6', '100-102']) {
        const {status, headers: found} = await chunk(range, 'xyz')
        expect([status, found.range, found.location]).toEqual([416, '0-2', location])
      }
      for (const range of ['3-1', 'x', '3', '-3', '3-3', '3-6']) {
        expect((await chunk(range, 'xyz')).status).toBe(400)
      }
      expect((await chunk('bytes 3-5/*', 'def')).status).toBe(202)
      const digest = digestOf(Buffer.from('abcdefghi'))
      const late = await send(address, 'PUT', `${location}?digest=${digest}`, {
        body: 'ghi',
        headers: {'content-range': '3-5'},
      })
      expect(late.status).toBe(416)
      const closed = await send(address, 'PUT', `${location}?digest=${digest}`, {
        body: 'ghi',
        headers: {'content-range': '6-8'},
      })
      expect([closed.status, closed.headers['docker-content-digest']]).toEqual([201, digest])
      expect((await send(address, 'GET', closed.headers.location ?? '')).body.toString()).toBe(
        'abcdefghi',
      )
      expect((await send(address, 'GET', location)).status).toBe(404)
    })

    it('content of another digest is refused and ends the session', async () => {
      const {address} = await serve()
      for (const first of [`/v2/a/blobs/uploads/?digest=${missing}`]) {
        const answer = await send(address, 'POST', first, {body: 'x'})
        expect([answer.status, answer.code]).toEqual([400, 'DIGEST_INVALID'])
      }
      const {headers} = await send(address, 'POST', '/v2/a/blobs/uploads/')
      const location = headers.location ?? ''
      for (const query of [
        '',
        '?digest=x',
        '?digest=sha256:abc',
        `?digest=${missing}&digest=${missing}`,
      ]) {
        expect((await send(address, 'PUT', location + query)).status).toBe(400)
      }
      const answer = await send(address, 'PUT', `${location}?digest=${missing}`, {body: 'x'})
      expect([answer.status, answer.code]).toEqual([400, 'DIGEST_INVALID'])
      expect((await send(address, 'HEAD', `/v2/a/blobs/${missing}`)).status).toBe(404)
    })

    it('takes sha512, the empty blob, and refuses other algorithms', async () => {
      const {address} = await serve()
      for (const [content, algorithm] of [
        ['x', 'sha512'],
        ['', 'sha256'],
        ['', 'sha512'],
      ] as const) {
        const digest = digestOf(Buffer.from(content), algorithm)
        const start = await send(
          address,
          'POST',
          `/v2/a/blobs/uploads/?digest-algorithm=${algorithm}`,
        )
        expect(start.status).toBe(202)
        expect(Number(start.headers['oci-chunk-min-length'])).toBeGreaterThan(0)
        const closed = await send(
          address,
          'PUT',
          `${start.headers.location ?? ''}?digest=${digest}`,
          {body: content},
        )
        expect(closed.status).toBe(201)
        const head = await send(address, 'HEAD', `/v2/a/blobs/${digest}`)
        expect([head.status, head.headers['content-length']]).toEqual([200, String(content.length)])
      }
      expect(
        (await send(address, 'POST', '/v2/a/blobs/uploads/?digest-algorithm=md5')).status,
      ).toBe(400)
    })

    it('mounts what is there, and starts an upload for the rest', async () => {
      const {address} = await serve()
      const {digest} = await pushBlob(address, 'from', 'content')
      const mount = (query: string) => send(address, 'POST', `/v2/to/blobs/uploads/?${query}`)
      for (const query of [
        `mount=${digest}`,
        `mount=${missing}&from=from`,
        `mount=${digest}&from=nowhere`,
        `mount=${digest}&from=../from`,
      ]) {
        expect((await mount(query)).status).toBe(202)
      }
      expect((await send(address, 'HEAD', `/v2/to/blobs/${digest}`)).status).toBe(404)
      expect((await mount(`mount=${digest}&from=from`)).status).toBe(201)
      await send(address, 'DELETE', `/v2/from/blobs/${digest}`)
      expect((await send(address, 'GET', `/v2/from/blobs/${digest}`)).status).toBe(404)
      expect((await send(address, 'GET', `/v2/to/blobs/${digest}`)).body.toString()).toBe('content')
    })
  })

  describe('blobs', () => {
    it('P22 a range and the rest are the whole', async () => {
      const {address} = await serve()
      const content = Buffer.from(Array.from({length: 1000}, (_, index) => index % 251))
      const {digest} = await pushBlob(address, 'a', content)
      const path = `/v2/a/blobs/${digest}`
      const get = (range: string) => send(address, 'GET', path, {headers: {range}})
      await fc.assert(
        fc.asyncProperty(fc.integer({min: 1, max: 999}), async (cut) => {
          const [start, rest, end] = await Promise.all([
            get(`bytes=0-${cut - 1}`),
            get(`bytes=${cut}-`),
            get(`bytes=-${1000 - cut}`),
          ])
          expect([start.status, rest.status, end.status]).toEqual([206, 206, 206])
          expect(rest.headers['content-range']).toBe(`bytes ${cut}-999/1000`)
          expect(Buffer.concat([start.body, rest.body]).equals(content)).toBe(true)
          expect(end.body.equals(rest.body)).toBe(true)
        }),
        {numRuns: runs(0.25)},
      )
    })

    it.each([
      ['bytes=0-', 206, 5],
      ['bytes=0-99', 206, 5],
      ['bytes=-99', 206, 5],
      ['bytes=4-4', 206, 1],
      ['bytes=5-', 416, 0],
      ['bytes=-0', 416, 0],
      ['bytes=3-1', 416, 0],
      ['bytes=99999999999999999999-', 416, 0],
      ['bytes=0-1,2-3', 206, 4],
      ['bytes=3-,0-3', 206, 5],
      ['bytes=1-1,9-9', 206, 1],
      ['bytes=9-9,-0', 416, 0],
      ['bytes=0-1,x', 200, 5],
      ['bytes=,', 200, 5],
      ['lines=0-1', 200, 5],
      ['bytes=', 200, 5],
      ['bytes=-', 200, 5],
      ['bytes=a-b', 200, 5],
    ])('Range: %s -> %i', async (range, status, size) => {
      const {address} = await serve()
      const {digest} = await pushBlob(address, 'a', '01234')
      const answer = await send(address, 'GET', `/v2/a/blobs/${digest}`, {headers: {range}})
      expect(answer.status).toBe(status)
      if (status === 416) expect(answer.headers['content-range']).toBe('bytes */5')
      else if (status === 206)
        expect(partsOf(answer).reduce((sum, {body}) => sum + body.length, 0)).toBe(size)
      else expect(answer.body).toHaveLength(size)
    })

    it('P22 several ranges are parts of the whole, and no byte comes twice', async () => {
      const {address} = await serve()
      const size = 100_000
      const content = Buffer.from(Array.from({length: size}, (_, index) => (index * 7) % 251))
      const {digest} = await pushBlob(address, 'a', content)
      const position = fc.integer({min: 0, max: size - 1})
      const spec = fc.tuple(position, fc.integer({min: 0, max: 9000})).map(([first, more]) => {
        return {first, last: Math.min(size - 1, first + more)}
      })
      await fc.assert(
        fc.asyncProperty(fc.array(spec, {minLength: 1, maxLength: 20}), async (asked) => {
          const range = `bytes=${asked.map(({first, last}) => `${first}-${last}`).join(', ')}`
          const answer = await send(address, 'GET', `/v2/a/blobs/${digest}`, {headers: {range}})
          const parts = partsOf(answer)
          const seen = Buffer.alloc(size)
          for (const {first, last, body} of parts) {
            expect(body.equals(content.subarray(first, last + 1))).toBe(true)
            for (let at = first; at <= last; at++) seen[at]!++
          }
          expect(Math.max(...seen)).toBe(1)
          for (const {first, last} of asked)
            expect(seen.subarray(first, last + 1).every((count) => count === 1)).toBe(true)
          // in the order of the request
          const order = parts.map((part) =>
            asked.findIndex(({first, last}) => part.first <= first && last <= part.last),
          )
          expect(order).toEqual(order.toSorted((a, b) => a - b))
        }),
        {numRuns: runs(0.25)},
      )
    })

    it('several ranges are multipart/byteranges, HEAD and another entity tag are not', async () => {
      const {address} = await serve()
      const {digest} = await pushBlob(address, 'a', '0123456789')
      const ask = (method: string, headers: Record<string, string> = {}) =>
        send(address, method, `/v2/a/blobs/${digest}`, {
          headers: {range: 'bytes=6-7,0-1,-1', ...headers},
        })
      const answer = await ask('GET', {'if-range': `"${digest}"`})
      expect(answer.status).toBe(206)
      expect(answer.headers['content-range']).toBe(undefined)
      expect(answer.headers.etag).toBe(`"${digest}"`)
      const [, boundary = ''] =
        /^multipart\/byteranges; boundary=([A-Za-z0-9:-]{1,70})$/.exec(
          answer.headers['content-type'] ?? '',
        ) ?? []
      const part = (range: string, text: string) =>
        `\r\n--${boundary}\r\ncontent-type: application/octet-stream\r\ncontent-range: bytes ${range}/10\r\n\r\n${text}`
      expect(answer.body.toString()).toBe(
        `${part('6-7', '67')}${part('0-1', '01')}${part('9-9', '9')}\r\n--${boundary}--\r\n`,
      )
      expect(answer.headers['content-length']).toBe(String(answer.body.length))
      expect((await ask('GET', {'if-range': '"other"'})).body.toString()).toBe('0123456789')
      const head = await ask('HEAD')
      expect([head.status, head.headers['content-length']]).toEqual([200, '10'])
    })

    it('T-79 many ranges cost no more than the blob', async () => {
      const {address} = await serve()
      const content = Buffer.alloc(200_000, 'some content')
      const {digest} = await pushBlob(address, 'a', content)
      const get = (ranges: readonly string[]) =>
        send(address, 'GET', `/v2/a/blobs/${digest}`, {headers: {range: `bytes=${ranges.join()}`}})
      const list = (count: number, range: (at: number) => string) =>
        Array.from({length: count}, (_, at) => range(at))

      const most = await get(list(1024, (at) => `${at * 100}-${at * 100 + 49}`))
      expect(partsOf(most)).toHaveLength(1024)
      const more = await get(list(1025, (at) => `${at * 100}-${at * 100 + 49}`))
      expect([more.status, more.body.length]).toEqual([200, content.length])
      const overlapping = await get(list(1000, (at) => `${at}-`))
      expect([overlapping.status, overlapping.body.length]).toEqual([206, content.length])
      const same = await get(list(1000, (at) => (at % 2 === 0 ? '0-99999' : '150000-')))
      expect(same.body.length).toBeLessThan(content.length)
      const tooMany = await get(list(10_000, (at) => `${at * 10}-${at * 10}`))
      expect(tooMany.status).toBe(400)
    })

    it('T-54 that are damaged never look complete, and are never answered as sound', async () => {
      const root = await makeRoot()
      const {address} = await serveRegistry({root})
      const {digest} = await pushBlob(address, 'a', 'x'.repeat(300_000))
      await damage(root, 'a', digest)
      const text = await sendRaw(
        address,
        `GET /v2/a/blobs/${digest} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      )
      if (text.startsWith('HTTP/1.1 200 ')) {
        expect(text).toMatch(/content-length: 300000\r/)
        expect(text.slice(text.indexOf('\r\n\r\n') + 4).length).toBeLessThan(300_000)
      } else expect(text).toMatch(/^HTTP\/1\.1 (?:500|404) /)
    })

    it('are not sent to who has them, nor a range of other content', async () => {
      const {address} = await serve()
      const {digest} = await pushBlob(address, 'a', '01234')
      const get = (headers: Record<string, string>) =>
        send(address, 'GET', `/v2/a/blobs/${digest}`, {headers})
      expect((await get({'if-none-match': `"${digest}"`})).status).toBe(304)
      expect((await get({'if-none-match': `"${missing}", W/"${digest}"`})).status).toBe(304)
      expect((await get({'if-none-match': `"${missing}"`})).status).toBe(200)
      expect((await get({'if-range': `"${digest}"`, range: 'bytes=1-'})).status).toBe(206)
      expect((await get({'if-range': '"other"', range: 'bytes=1-'})).status).toBe(200)
    })
  })

  describe('manifests', () => {
    it('T-50 what two readers could take for different things is refused', async () => {
      const {address} = await serve()
      const good = JSON.parse((await makeManifest(address, 'a')).toString()) as Record<
        string,
        unknown
      >
      const {config, layers} = good
      const docker = {...good, mediaType: dockerManifest}
      const bad: [string, unknown, string?][] = [
        ['layers and manifests', {...good, manifests: []}],
        [
          'config and manifests',
          {schemaVersion: 2, mediaType: ociIndex, config, manifests: []},
          ociIndex,
        ],
        ['fsLayers and layers', {...good, fsLayers: []}],
        ['schema 1', {schemaVersion: 1, fsLayers: [], history: []}, dockerSchema1],
        ['another type than it was sent as', docker, ociManifest],
        ['an image that calls itself an index', {...good, mediaType: ociIndex}, ociIndex],
        [
          'no type at all, and nothing to tell it by',
          {schemaVersion: 2, layers},
          'application/json',
        ],
        [
          'T-81 a type with line breaks',
          {...good, mediaType: 'x"\nOptions +Indexes'},
          'application/x',
        ],
        ['a type of its own', {...good, mediaType: 'application/x'}, 'application/x'],
        ['no layers', {schemaVersion: 2, mediaType: ociManifest, config}],
        ['a layer that is not a descriptor', {...good, layers: [{}]}],
        [
          'a digest that is none',
          {...good, layers: [{mediaType: 'x', size: 1, digest: 'sha256:../../x'}]},
        ],
        ['schemaVersion 3', {...good, schemaVersion: 3}],
        ['schemaVersion "2"', {...good, schemaVersion: '2'}],
        ['a subject that is not a descriptor', {...good, subject: {digest: 'x'}}],
        ['a list', []],
        ['null', null],
        ['A4 Layers, which Go takes for layers', {...good, Layers: []}],
        ['A4 Layers with a long s', {...good, 'layer\u017F': layers}],
        ['A4 Manifests', {...good, Manifests: []}],
        ['A4 Subject', {...good, Subject: null}],
        [
          'A4 a Digest in the config descriptor',
          {...good, config: {...(config as object), Digest: ''}},
        ],
        ['A4 half of a surrogate pair', {...good, annotations: {a: '\uD800'}}],
      ]
      for (const [what, document, type = ociManifest] of bad) {
        const answer = await putManifest(address, 'a/manifests/v1', JSON.stringify(document), {
          'content-type': type,
        })
        expect([what, answer.status, answer.code]).toEqual([what, 400, 'MANIFEST_INVALID'])
      }
      const texts: [string, string | Uint8Array][] = [
        ['T-59 empty', ''],
        ['T-59 cut', JSON.stringify(good).slice(0, -1)],
        ['T-59 more after the end', `${JSON.stringify(good)}{}`],
        ['T-59 a byte order mark', `\uFEFF${JSON.stringify(good)}`],
        ['T-59 UTF-16', Buffer.from(JSON.stringify(good), 'utf16le')],
        ['T-59 100,000 levels', '['.repeat(100_000)],
        ['A4 2.0', JSON.stringify(good).replace('"schemaVersion":2', '"schemaVersion":2.0')],
        ['A4 2e0', JSON.stringify(good).replace('"schemaVersion":2', '"schemaVersion":2e0')],
        ['T-58 a member twice', JSON.stringify(good).replace('{', '{"layers":[],')],
      ]
      for (const [what, body] of texts) {
        const answer = await putManifest(address, 'a/manifests/v1', body)
        expect([what, answer.status, answer.code]).toEqual([what, 400, 'MANIFEST_INVALID'])
      }
      expect((await send(address, 'GET', '/v2/a/tags/list')).json()).toEqual({name: 'a', tags: []})
      const sent = await putManifest(address, 'a/manifests/v1', JSON.stringify(docker), {
        'content-type': `${dockerManifest}; charset=utf-8`,
      })
      expect(sent.status).toBe(201)
      const {headers} = await send(address, 'GET', '/v2/a/manifests/v1', {
        headers: {accept: ociManifest},
      })
      expect(headers['content-type']).toBe(dockerManifest)
    })

    it('A4 a config whose members Go reads differently is refused with its manifest', async () => {
      const {address} = await serve()
      const good = '{"rootfs":{"type":"layers","diff_ids":[]},"config":{"Entrypoint":["/good"]}}'
      const put = async (text: string, mediaType: string) => {
        const config = {mediaType, ...(await pushBlob(address, 'a', text))}
        const bytes = await makeManifest(address, 'a', {config})
        return putManifest(address, 'a/manifests/v1', bytes)
      }
      for (const text of [
        good.replace('"Entrypoint"', '"entrypoint"'),
        good.replace('"Entrypoint"', '"entrypoint":["/evil"],"Entrypoint"'),
        good.replace('}}', '},"Rootfs":{}}'),
        good.replace('"rootfs"', '"rootf\\u017f":{},"rootfs"'),
        good.replace('"rootfs"', '"rootfs":{},"rootfs"'),
        good.replace('"config":{', '"config":{"StopTimeout":2.0,'),
      ]) {
        const answer = await put(text, ociConfig)
        expect([text, answer.status, answer.code]).toEqual([text, 400, 'MANIFEST_INVALID'])
        // what is not an image's config is for its own readers to read
        expect((await put(text, 'application/x')).status).toBe(201)
      }
      for (const text of [
        good,
        'no JSON',
        '',
        '[]',
        good.replace('"config"', '"X":1,"x":2,"config"'),
      ]) {
        expect([text, (await put(text, ociConfig)).status]).toEqual([text, 201])
      }
    })

    it('T-57 members with names of every object survive byte for byte', async () => {
      const {address} = await serve()
      const text = (await makeManifest(address, 'a'))
        .toString()
        .replace('{', '{ "__proto__": {"polluted": 1}, "constructor" :\t1e2,')
      expect((await putManifest(address, 'a/manifests/constructor', text)).status).toBe(201)
      expect((await send(address, 'GET', '/v2/a/manifests/constructor')).body.toString()).toBe(text)
      expect((await send(address, 'GET', '/v2/a/manifests/__proto__')).status).toBe(404)
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    })

    it('what a manifest names must be there, but for its subject and what is not distributed', async () => {
      const {address} = await serve()
      const bytes = await makeManifest(address, 'a')
      const good = JSON.parse(bytes.toString()) as {config: object; layers: {size: number}[]}
      const put = (document: object, type = ociManifest) =>
        putManifest(address, 'a/manifests/v1', JSON.stringify(document), {'content-type': type})
      const gone = {mediaType: ociManifest, digest: missing, size: 7}
      for (const [document, type] of [
        [{...good, config: {...gone, mediaType: ociConfig}}, ociManifest],
        [{...good, layers: [...good.layers, gone]}, ociManifest],
        [{schemaVersion: 2, mediaType: ociIndex, manifests: [gone]}, ociIndex],
      ] as const) {
        const answer = await put(document, type)
        expect([answer.status, answer.code]).toEqual([400, 'MANIFEST_BLOB_UNKNOWN'])
      }
      const wrong = await put({
        ...good,
        layers: good.layers.map((layer) => ({...layer, size: layer.size + 1})),
      })
      expect([wrong.status, wrong.code]).toEqual([400, 'SIZE_INVALID'])
      const foreign = {
        ...gone,
        mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
        urls: ['https://x.invalid/'],
      }
      const artifact = await put({...good, layers: [...good.layers, foreign], subject: gone})
      expect([artifact.status, artifact.headers['oci-subject']]).toEqual([201, missing])
      const sparse = await serve({sparse: true})
      await pushBlob(sparse.address, 'a', 'x')
      const index = JSON.stringify({schemaVersion: 2, mediaType: ociIndex, manifests: [gone]})
      const taken = await putManifest(sparse.address, 'a/manifests/v1', index, {
        'content-type': ociIndex,
      })
      expect(taken.status).toBe(201)
    })

    it('indexes and Docker lists of manifests that are there are taken', async () => {
      const {address} = await serve()
      const bytes = await makeManifest(address, 'a')
      const digest = digestOf(bytes)
      expect((await putManifest(address, `a/manifests/${digest}`, bytes)).status).toBe(201)
      for (const mediaType of [ociIndex, dockerManifestList]) {
        const manifests = [{mediaType: ociManifest, digest, size: bytes.length}]
        const index = JSON.stringify({schemaVersion: 2, mediaType, manifests})
        expect(
          (await putManifest(address, 'a/manifests/multi', index, {'content-type': mediaType}))
            .status,
        ).toBe(201)
        expect((await send(address, 'HEAD', '/v2/a/manifests/multi')).headers['content-type']).toBe(
          mediaType,
        )
      }
    })

    it('a digest names its bytes, in sha512 too, and tags may come along', async () => {
      const {address} = await serve()
      const bytes = await makeManifest(address, 'a')
      const wrong = await putManifest(address, `a/manifests/${missing}`, bytes)
      expect([wrong.status, wrong.code]).toEqual([400, 'DIGEST_INVALID'])
      const digest = digestOf(bytes, 'sha512')
      const sent = await putManifest(address, `a/manifests/${digest}?tag=one&tag=two`, bytes)
      expect([sent.status, sent.headers['oci-tag'], sent.headers['docker-content-digest']]).toEqual(
        [201, 'one, two', digest],
      )
      for (const reference of ['one', 'two', digest]) {
        const {headers, body} = await send(address, 'GET', `/v2/a/manifests/${reference}`)
        expect([headers['docker-content-digest'], headers.etag, body.equals(bytes)]).toEqual([
          digest,
          `"${digest}"`,
          true,
        ])
      }
      for (const query of ['tag=..', 'tag=', 'tag=a/b']) {
        expect((await putManifest(address, `a/manifests/${digest}?${query}`, bytes)).status).toBe(
          400,
        )
      }
      const many = Array.from({length: 65}, (_, index) => `tag=t${index}`).join('&')
      expect((await putManifest(address, `a/manifests/${digest}?${many}`, bytes)).status).toBe(414)
      expect((await putManifest(address, 'a/manifests/v1?tag=v2', bytes)).status).toBe(400)
    })

    it('If-None-Match, If-Match: read, made, moved and deleted on condition only', async () => {
      const {address} = await serve()
      const one = await makeManifest(address, 'a', {annotations: {n: '1'}})
      const two = await makeManifest(address, 'a', {annotations: {n: '2'}})
      const [tagOne, tagTwo] = [one, two].map((bytes) => `"${digestOf(bytes)}"`) as [string, string]
      const put = async (bytes: Buffer, headers: Record<string, string>) =>
        (await putManifest(address, 'a/manifests/v1', bytes, headers)).status
      const ask = async (method: string, headers: Record<string, string>) =>
        (await send(address, method, '/v2/a/manifests/v1', {headers})).status

      expect(await put(one, {'if-match': tagOne})).toBe(412)
      expect(await put(one, {'if-match': '*'})).toBe(412)
      expect(await put(one, {'if-none-match': '*'})).toBe(201)
      expect(await put(two, {'if-none-match': '*'})).toBe(412)
      expect(await put(two, {'if-none-match': tagOne})).toBe(412)
      expect(await put(two, {'if-match': tagTwo})).toBe(412)
      expect(await put(two, {'if-match': `W/${tagOne}`})).toBe(412)
      expect(await put(two, {'if-match': `"x", ${tagOne}`})).toBe(201)
      expect(await put(one, {'if-match': '*'})).toBe(201)
      expect(await put(two, {'if-none-match': tagTwo})).toBe(201)

      expect(await ask('GET', {'if-none-match': tagTwo})).toBe(304)
      expect(await ask('HEAD', {'if-none-match': `W/${tagTwo}`})).toBe(304)
      expect(await ask('GET', {'if-none-match': tagOne})).toBe(200)

      expect(await ask('DELETE', {'if-match': tagOne})).toBe(412)
      expect(await ask('DELETE', {'if-none-match': '*'})).toBe(412)
      expect(await ask('DELETE', {'if-match': tagTwo})).toBe(202)
      expect(await ask('DELETE', {'if-match': tagTwo})).toBe(412)
      expect(await ask('DELETE', {})).toBe(404)
      expect(await ask('GET', {})).toBe(404)
    })

    it('T-76 what is deleted stays deleted there, whatever other repositories have', async () => {
      const {address} = await serve()
      const bytes = await makeManifest(address, 'a')
      await makeManifest(address, 'b')
      for (const path of ['a/manifests/v1', 'a/manifests/v2', 'b/manifests/v1'])
        expect((await putManifest(address, path, bytes)).status).toBe(201)
      const digest = digestOf(bytes)
      expect((await send(address, 'DELETE', '/v2/a/manifests/v2')).status).toBe(202)
      expect((await send(address, 'GET', '/v2/a/manifests/v1')).status).toBe(200)
      expect((await send(address, 'DELETE', `/v2/a/manifests/${digest}`)).status).toBe(202)
      for (const reference of ['v1', 'v2', digest]) {
        expect((await send(address, 'GET', `/v2/b/manifests/${digest}`)).status).toBe(200)
        expect((await send(address, 'GET', `/v2/a/manifests/${reference}`)).status).toBe(404)
      }
      expect((await send(address, 'GET', '/v2/b/manifests/v1')).body.equals(bytes)).toBe(true)
    })

    it('T-76 a manifest is not deleted as a blob: its tag would name nothing', async () => {
      const {address} = await serve()
      const bytes = await makeManifest(address, 'a')
      await putManifest(address, 'a/manifests/v1', bytes)
      const path = `/v2/a/blobs/${digestOf(bytes)}`
      const answer = await send(address, 'DELETE', path)
      expect([answer.status, answer.code]).toEqual([405, 'UNSUPPORTED'])
      expect(answer.headers.allow).toBe('GET, HEAD')
      expect((await send(address, 'GET', '/v2/a/manifests/v1')).body.equals(bytes)).toBe(true)
      expect((await send(address, 'DELETE', `/v2/a/manifests/${digestOf(bytes)}`)).status).toBe(202)
      expect((await send(address, 'DELETE', path)).status).toBe(404)
      const {digest} = await pushBlob(address, 'a', 'layer')
      expect((await send(address, 'DELETE', `/v2/a/blobs/${digest}`)).status).toBe(202)
    })

    it('T-75 nothing is deleted where deletes are off, and nothing is taken where all is read-only', async () => {
      const root = await makeRoot()
      const open = await serveRegistry({root})
      const bytes = await makeManifest(open.address, 'a')
      await putManifest(open.address, 'a/manifests/v1', bytes)
      const {digest} = await pushBlob(open.address, 'a', 'layer')
      const paths = ['manifests/v1', `manifests/${digestOf(bytes)}`, `blobs/${digest}`].map(
        (path) => `/v2/a/${path}`,
      )
      for (const options of [{deletes: false}, {readOnly: true}]) {
        const {address} = await serveRegistry({root, ...options})
        for (const path of paths) {
          const answer = await send(address, 'DELETE', path)
          expect([answer.status, answer.code]).toEqual([405, 'UNSUPPORTED'])
          expect((await send(address, 'GET', path)).status).toBe(200)
        }
      }
      const {address} = await serveRegistry({root, readOnly: true})
      expect((await send(address, 'POST', '/v2/a/blobs/uploads/')).status).toBe(405)
      const answer = await putManifest(address, 'a/manifests/v2', bytes)
      expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, HEAD'])
      for (const method of ['POST', 'GET']) {
        const {status, headers} = await send(address, method, '/v2/a/blobs/uploads/')
        expect([method, status, headers.allow]).toEqual([method, 405, ''])
      }
    })

    it('other methods are answered with 405 and the allowed ones', async () => {
      const {address} = await serve()
      const answer = await send(address, 'POST', '/v2/a/manifests/v1')
      expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, HEAD, PUT, DELETE'])
      expect((await send(address, 'DELETE', '/v2/')).status).toBe(405)
    })
  })

  describe('lists', () => {
    it('P23 pages of tags put together are all tags, sorted', async () => {
      const {address} = await serve()
      const bytes = await makeManifest(address, 'a')
      const tags = ['B', 'Z9', '_x', 'a', 'a-1', 'a.1', 'a1', 'b', 'latest', 'v1', 'v10', 'v2']
      for (const tag of tags.toReversed()) await putManifest(address, `a/manifests/${tag}`, bytes)
      for (const n of [1, 2, 5, 11, 12, 13]) {
        const found: string[] = []
        let path: string | undefined = `/v2/a/tags/list?n=${n}`
        for (let pages = 0; path !== undefined && pages < 20; pages++) {
          const {headers, json} = await send(address, 'GET', path)
          found.push(...(json() as {tags: string[]}).tags)
          path = /^<([^>]+)>; rel="next"$/.exec(String(headers['link'] ?? ''))?.[1]
        }
        expect(found).toEqual(tags)
      }
      const none = await send(address, 'GET', '/v2/a/tags/list?n=0')
      expect([none.json(), none.headers['link']]).toEqual([{name: 'a', tags: []}, undefined])
      const rest = await send(address, 'GET', '/v2/a/tags/list?last=v1')
      expect(rest.json()).toEqual({name: 'a', tags: ['v10', 'v2']})
      expect((await send(address, 'GET', '/v2/none/tags/list')).code).toBe('NAME_UNKNOWN')
    })

    it('T-78 the catalog is what may be read, in pages', async () => {
      const {address} = await serve({
        access: {
          challenge: undefined,
          identify: () => Promise.resolve(undefined),
          allows: (_: unknown, action: string, name?: string) =>
            action !== 'pull' || !name?.startsWith('secret'),
        },
      })
      for (const name of ['b', 'a/b', 'secret/x', 'a', 'c']) await pushBlob(address, name, 'x')
      const first = await send(address, 'GET', '/v2/_catalog?n=2')
      expect(first.json()).toEqual({repositories: ['a', 'a/b']})
      expect(first.headers['link']).toBe('</v2/_catalog?n=2&last=a%2Fb>; rel="next"')
      expect((await send(address, 'GET', '/v2/_catalog?n=5&last=a%2Fb')).json()).toEqual({
        repositories: ['b', 'c'],
      })
      expect((await send(address, 'GET', '/v2/secret/x/tags/list')).status).not.toBe(200)
    })

    it('referrers, filtered and in pages', async () => {
      const {address} = await serve({limits: {referrersSize: 700}})
      const subject = {mediaType: ociManifest, digest: missing, size: 7}
      const made = await Promise.all(
        ['sbom', 'sbom', 'signature', 'sbom'].map(async (kind, index) => {
          const artifactType = `application/vnd.example.${kind}`
          const bytes = await makeManifest(address, 'a', {
            subject,
            artifactType,
            annotations: {index: String(index)},
          })
          expect(
            (await putManifest(address, `a/manifests/${digestOf(bytes)}`, bytes)).headers[
              'oci-subject'
            ],
          ).toBe(missing)
          return {
            digest: digestOf(bytes),
            artifactType,
            annotations: {index: String(index)},
            size: bytes.length,
            mediaType: ociManifest,
          }
        }),
      )
      const read = async (query: string) => {
        const found: unknown[] = []
        let path: string | undefined = `/v2/a/referrers/${missing}${query}`
        let pages = 0
        for (; path !== undefined && pages < 20; pages++) {
          const {headers, json} = await send(address, 'GET', path)
          expect(headers['content-type']).toBe(ociIndex)
          expect(headers['oci-filters-applied']).toBe(query === '' ? undefined : 'artifactType')
          found.push(...(json() as {manifests: unknown[]}).manifests)
          path = /^<([^>]+)>; rel="next"$/.exec(String(headers['link'] ?? ''))?.[1]
        }
        expect(pages).toBeGreaterThan(1)
        return found
      }
      const sorted = made.toSorted((a, b) => (a.digest < b.digest ? -1 : 1))
      expect(await read('')).toEqual(sorted)
      expect(await read('?artifactType=application/vnd.example.sbom')).toEqual(
        sorted.filter(({artifactType}) => artifactType.endsWith('sbom')),
      )
      expect((await send(address, 'GET', `/v2/none/referrers/${missing}`)).json()).toEqual({
        schemaVersion: 2,
        mediaType: ociIndex,
        manifests: [],
      })
    })
  })

  it('X13 what is under way when the server ends is finished, or can go on at the next', async () => {
    const root = await makeRoot()
    const first = await serveRegistry({root})
    const {headers} = await send(first.address, 'POST', '/v2/a/blobs/uploads/')
    const location = headers.location ?? ''
    const {request} = await import('node:http')
    const slow = request(`http://${first.address}${location}`, {
      method: 'PATCH',
      headers: {'content-length': 10},
    })
    const answered = new Promise<number | undefined>((resolve) => {
      slow
        .once('response', ({statusCode}) => resolve(statusCode))
        .once('error', () => resolve(undefined))
    })
    slow.write('01234')
    await expect
      .poll(async () => (await send(first.address, 'GET', location)).headers.range)
      .toBe('0-4')
    const closing = first.close(5000)
    await expect(send(first.address, 'GET', '/v2/')).rejects.toThrow()
    slow.end('56789')
    expect(await answered).toBe(202)
    await closing
    const second = await serveRegistry({root})
    const digest = digestOf(Buffer.from('0123456789abc'))
    const closed = await send(second.address, 'PUT', `${location}?digest=${digest}`, {body: 'abc'})
    expect(closed.status).toBe(201)
  })

  it('X13 a request that does not end in time is ended, and its session keeps what came', async () => {
    const root = await makeRoot()
    const first = await serveRegistry({root})
    const {headers} = await send(first.address, 'POST', '/v2/a/blobs/uploads/')
    const location = headers.location ?? ''
    const {request} = await import('node:http')
    const slow = request(`http://${first.address}${location}`, {
      method: 'PATCH',
      headers: {'content-length': 10},
    })
    slow.on('error', () => undefined)
    slow.write('01234')
    await expect
      .poll(async () => (await send(first.address, 'GET', location)).headers.range)
      .toBe('0-4')
    await first.close(50)
    const second = await serveRegistry({root})
    expect((await send(second.address, 'GET', location)).headers.range).toBe('0-4')
  })

  it('X14 light: a hundred idle and slow clients do not keep others from being served, and leave nothing open', async () => {
    const {address, server} = await serve({metrics: true})
    const {connect} = await import('node:net')
    const {hostname, port} = new URL(`http://${address}`)
    const sockets = Array.from({length: 100}, () => connect(Number(port), hostname))
    for (const [index, socket] of sockets.entries()) {
      socket.on('error', () => undefined)
      if (index % 2) socket.write('GET /v2/ HTTP/1.1\r\nHost')
    }
    const {digest} = await pushBlob(address, 'a', 'x')
    const answers = await Promise.all(
      Array.from({length: 100}, () => send(address, 'HEAD', `/v2/a/blobs/${digest}`)),
    )
    expect(new Set(answers.map(({status}) => status))).toEqual(new Set([200]))
    const {body} = await send(address, 'GET', '/metrics')
    expect(body.toString()).toContain(
      'inject_http_requests_total{method="HEAD",resource="blob",status="200"} 100',
    )
    for (const socket of sockets) socket.destroy()
    const open = () => new Promise((resolve) => server.getConnections((_, count) => resolve(count)))
    await expect.poll(open).toBe(0)
  })

  it('docker images keep their types', async () => {
    const {address} = await serve()
    const config = {mediaType: dockerConfig, ...(await pushBlob(address, 'a', '{}'))}
    const text = JSON.stringify(
      {schemaVersion: 2, mediaType: dockerManifest, config, layers: []},
      null,
      3,
    )
    expect(
      (await putManifest(address, 'a/manifests/v1', text, {'content-type': dockerManifest})).status,
    ).toBe(201)
    const {headers, body} = await send(address, 'GET', '/v2/a/manifests/v1')
    expect([headers['content-type'], body.toString()]).toEqual([dockerManifest, text])
  })
})
