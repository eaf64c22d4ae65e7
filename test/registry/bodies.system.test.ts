import {once} from 'node:events'
import {type AddressInfo, createServer, type Socket} from 'node:net'
import {describe, expect, it, onTestFinished} from 'vitest'
import {digestOf} from '../../src/oci/digest.js'
import {ociManifest} from '../../src/oci/media-type.js'
import {openTransport} from '../../src/registry/net/open-transport.js'
import {type Answer, type SeenRequest, startFakeServer} from '../support/fake-server.js'
import {collect, openRegistry, sourceOf} from '../support/open-registry.js'

const bytes = Buffer.from(Array.from({length: 100_000}, (_, index) => (index * 7) % 251))
const blob = {digest: digestOf(bytes), size: bytes.length}
const type = {'content-type': ociManifest}
const length = {'content-length': String(bytes.length)}
const head = `HTTP/1.1 200 OK\r\nContent-Type: ${ociManifest}\r\nConnection: close\r\n`
const latin1 = bytes.toString('latin1')

const getBlob = async (answer: (request: SeenRequest, count: number) => Answer, idle = 10_000) => {
  const server = await startFakeServer((request) => answer(request, server.requests.length))
  const opened = openRegistry(server.address, {timeouts: {idle}})
  const result = (async () => collect(await opened.store.openBlob(blob)))()
  return {...opened, server, result}
}
const getManifest = async (
  answer: (request: SeenRequest, count: number) => Answer,
  reference: string = blob.digest,
  idle = 10_000,
) => {
  const server = await startFakeServer((request) => answer(request, server.requests.length))
  const opened = openRegistry(server.address, {timeouts: {idle}})
  return {...opened, server, result: opened.store.getManifest(reference)}
}
/** The rest of the bytes for a request with a range. */
const ranged = ({headers}: SeenRequest, end = bytes.length): Answer => {
  const from = Number(/\d+/.exec(headers.range ?? '')?.[0] ?? 0)
  return from === 0
    ? {headers: length, body: bytes}
    : {
        status: 206,
        headers: {'content-range': `bytes ${from}-${end - 1}/${bytes.length}`},
        body: bytes.subarray(from, end),
      }
}

const breaks: Record<string, Answer> = {
  'F8 a reset after 10 %': {headers: {...type, ...length}, body: bytes, reset: 10_000},
  'F8 a reset after 50 %': {headers: {...type, ...length}, body: bytes, reset: 50_000},
  'F8 a reset before the last byte': {headers: {...type, ...length}, body: bytes, reset: 99_999},
  'F9 an early end with a length': {headers: {...type, ...length}, body: bytes, cut: 50_000},
  'F10 an early end without a length': {raw: `${head}\r\n${latin1.slice(0, 50_000)}`},
  'F11 a chunked body that is cut': {headers: type, body: bytes, cut: 50_000},
  'F12 a length that is too large': {raw: `${head}Content-Length: 100001\r\n\r\n${latin1}`},
  'F16 a stall': {headers: {...type, ...length}, body: bytes, stall: 50_000},
}

describe.each(Object.entries(breaks))('%s', (name, broken) => {
  const idle = broken.stall === undefined ? 10_000 : 150

  it('of a blob is fixed by a range', async () => {
    const {server, result} = await getBlob(
      (request, count) => (count === 1 ? broken : ranged(request)),
      idle,
    )
    expect(await result).toEqual(bytes)
    // all came before the connection ended
    if (name.startsWith('F12')) return
    expect(server.requests).toHaveLength(2)
    expect(server.requests[1]?.headers.range).toMatch(/^bytes=[1-9]\d*-$/)
  })

  it('of a blob is fixed where the registry knows no ranges', async () => {
    const {result} = await getBlob(
      (_, count) => (count === 1 ? broken : {headers: length, body: bytes}),
      idle,
    )
    expect(await result).toEqual(bytes)
  })

  it('of a blob that never gets further fails', async () => {
    const {server, result} = await getBlob(() => broken, idle)
    await expect(result).rejects.toMatchObject({
      name: expect.stringMatching(/^(?:NetworkError|IntegrityError)$/) as string,
    })
    expect(server.requests.length).toBeLessThan(8)
  })

  it('of a manifest is read again', async () => {
    const {result} = await getManifest(
      (_, count) => (count === 1 ? broken : {headers: {...type, ...length}, body: bytes}),
      blob.digest,
      idle,
    )
    expect((await result)?.bytes).toEqual(new Uint8Array(bytes))
  })

  it('of a manifest that always breaks fails', async () => {
    const {result} = await getManifest(() => broken, blob.digest, idle)
    await expect(result).rejects.toMatchObject({
      name: expect.stringMatching(/^(?:NetworkError|IntegrityError)$/) as string,
    })
  })
})

describe('a blob that goes on wrongly', () => {
  const broken = breaks['F8 a reset after 50 %']!

  it.each<[string, Answer]>([
    ['another range than it was asked for', {headers: {'content-range': 'bytes 1-9/100000'}}],
    ['a range of something of another size', {headers: {'content-range': 'bytes 50000-9/99'}}],
    ['a range without saying which', {}],
  ])('R6 reads it from the start when the registry answers with %s', async (_, wrong) => {
    const {server, result} = await getBlob((request, count) => {
      if (count === 1) return broken
      return request.headers.range === undefined
        ? {headers: length, body: bytes}
        : {status: 206, body: bytes.subarray(1, 10), ...wrong}
    })
    expect(await result).toEqual(bytes)
    expect(server.requests.map(({headers}) => headers.range)).toEqual([
      undefined,
      expect.stringMatching(/^bytes=/) as string,
      undefined,
    ])
  })

  it('R6 reads it from the start when the registry has no such range', async () => {
    const {result} = await getBlob((request, count) => {
      if (count === 1) return broken
      return request.headers.range === undefined
        ? {headers: length, body: bytes}
        : {status: 416, headers: {'content-range': 'bytes */100000'}}
    })
    expect(await result).toEqual(bytes)
  })

  it('refuses wrong bytes in the range', async () => {
    const {result} = await getBlob((request, count) =>
      count === 1 ? broken : {...ranged(request), body: Buffer.alloc(50_000)},
    )
    await expect(result).rejects.toMatchObject({name: 'IntegrityError'})
  })

  it('goes on as often as it gets further, and not when that is hardly so', async () => {
    const large = Buffer.alloc(1024 * 1024, 'x')
    const known = {digest: digestOf(large), size: large.length}
    const after = async (step: number) => {
      const server = await startFakeServer(({headers}) => {
        const from = Number(/\d+/.exec(headers.range ?? '')?.[0] ?? 0)
        const rest = large.subarray(from)
        const range = {'content-range': `bytes ${from}-${large.length - 1}/${large.length}`}
        const answer = {headers: {...range, 'content-length': String(rest.length)}, body: rest}
        const status = from === 0 ? 200 : 206
        return rest.length > step ? {...answer, status, cut: step} : {...answer, status}
      })
      const {store} = openRegistry(server.address)
      return {server, result: collect(await store.openBlob(known))}
    }
    const far = await after(100 * 1024)
    expect(await far.result).toEqual(large)
    expect(far.server.requests).toHaveLength(11)
    const near = await after(30 * 1024)
    await expect(near.result).rejects.toMatchObject({code: 'ERR_INJECT_NETWORK'})
    expect(near.server.requests).toHaveLength(4)
  })
})

describe('F17 a body that drips', () => {
  /** A byte every few milliseconds: no idle time is ever over. */
  const drip = async function* () {
    for (let sent = 0; sent < 2000; sent++) {
      yield Buffer.from('x')
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  const open = async (answer: () => Answer) => {
    const server = await startFakeServer(answer)
    const timeouts = {response: 5000, idle: 5000, rateWindow: 100}
    return {server, ...openRegistry(server.address, {timeouts, retries: {attempts: 2}})}
  }

  it('of a blob is given up, and so are the ones after it', async () => {
    const {store, server} = await open(() => ({headers: length, body: drip()}))
    await expect(collect(await store.openBlob(blob))).rejects.toThrow(/only \d+ bytes came in/)
    expect(server.requests).toHaveLength(4)
  })

  it('of a manifest is given up', async () => {
    const {store} = await open(() => ({headers: type, body: drip()}))
    await expect(store.getManifest('v1')).rejects.toThrow(/only \d+ bytes came in.*tried 2 times/)
  })

  it('of an error is not waited for', async () => {
    const {store} = await open(() => ({status: 400, body: drip()}))
    await expect(store.getManifest('v1')).rejects.toThrow(/the registry answered 400$/)
  })

  const connected = async (serve: (socket: Socket) => void) => {
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket.on('error', () => {}))
      serve(socket)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    return `127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  it('of headers is not waited for longer than for an answer', async () => {
    const address = await connected((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nX: ')
      const timer = setInterval(() => socket.write('x'), 10)
      socket.once('close', () => clearInterval(timer))
    })
    const {store} = openRegistry(address, {timeouts: {response: 200}, retries: {attempts: 1}})
    await expect(store.getManifest('v1')).rejects.toThrow(/'response'.*200ms/)
  })

  it('of what is taken from us is given up', async () => {
    const address = await connected((socket) => {
      socket.once('data', () => {
        socket.pause()
        const timer = setInterval(() => void socket.read(1), 10)
        socket.once('close', () => clearInterval(timer))
      })
    })
    const content = Buffer.alloc(64 * 1024 * 1024)
    const body = {length: content.length, open: () => sourceOf(content).open()}
    const call = {method: 'PUT', url: new URL(`http://${address}/`), body} as const
    const transport = openTransport({env: {}, timeouts: {idle: 200}})
    const leave = transport.join()
    onTestFinished(leave)
    const exchange = transport.exchangeFor({name: address, url: call.url})
    await expect(exchange(call)).rejects.toThrow(/nothing taken for 200 ms/)
  })

  it('is not a drip when it is us who are slow', async () => {
    const {store} = await open(() => ({headers: length, body: bytes}))
    const parts: Uint8Array[] = []
    for await (const part of await store.openBlob(blob)) {
      parts.push(part)
      await new Promise((resolve) => setTimeout(resolve, 150))
    }
    expect(Buffer.concat(parts)).toEqual(bytes)
  })
})

describe('T-54 bytes that are not the ones', () => {
  const flipped = (at: number): Buffer => {
    const copy = Buffer.from(bytes)
    copy.writeUInt8(copy.readUInt8(at) ^ 1, at)
    return copy
  }
  it.each<[string, Buffer]>([
    ['F14 a flipped first byte', flipped(0)],
    ['F14 a flipped byte in the middle', flipped(50_000)],
    ['F14 a flipped last byte', flipped(99_999)],
    ['F13 one byte more', Buffer.concat([bytes, Buffer.alloc(1)])],
    ['one byte less', bytes.subarray(1)],
    ['nothing', Buffer.alloc(0)],
  ])('%s', async (_, wrong) => {
    const inBlob = await getBlob(() => ({
      headers: {'content-length': String(wrong.length)},
      body: wrong,
    }))
    await expect(inBlob.result).rejects.toMatchObject({name: 'IntegrityError'})
    expect(inBlob.server.requests).toHaveLength(1)
    const inManifest = await getManifest(() => ({headers: type, body: wrong}))
    await expect(inManifest.result).rejects.toMatchObject({
      code: 'ERR_INJECT_DIGEST_MISMATCH',
      expected: blob.digest,
      found: digestOf(wrong),
    })
    // once more, for it may have happened on the way
    expect(inManifest.server.requests).toHaveLength(2)
  })

  it('F13 does not read on once a blob is too long', async () => {
    let sent = 0
    // eslint-disable-next-line @typescript-eslint/require-await -- nothing to wait for
    const endless = async function* () {
      for (; sent < 1e9; sent += 100_000) yield Buffer.alloc(100_000)
    }
    const {result} = await getBlob(() => ({body: endless()}))
    await expect(result).rejects.toMatchObject({code: 'ERR_INJECT_SIZE_MISMATCH'})
    expect(sent).toBeLessThan(50e6)
  })

  it('F14 takes the right bytes of a second try for a manifest', async () => {
    const {result} = await getManifest((_, count) => ({
      headers: type,
      body: count === 1 ? flipped(3) : bytes,
    }))
    expect((await result)?.descriptor).toEqual({mediaType: ociManifest, ...blob})
  })

  it('T-51 a tag that answers a pinned digest', async () => {
    const other = Buffer.from('{"schemaVersion": 2}')
    const {result} = await getManifest(() => ({
      headers: {...type, 'docker-content-digest': digestOf(other)},
      body: other,
    }))
    await expect(result).rejects.toMatchObject({code: 'ERR_INJECT_DIGEST_MISMATCH'})
  })
})

describe('T-52 F30 Docker-Content-Digest', () => {
  const sha512 = digestOf(bytes, 'sha512')
  const wrong = digestOf(Buffer.from('other'))
  const get = (claim: string | string[] | undefined, reference = 'v1') =>
    getManifest(
      () => ({headers: {...type, ...(claim && {'docker-content-digest': claim})}, body: bytes}),
      reference,
    )

  it.each([
    ['right', blob.digest, blob.digest],
    ['missing', undefined, blob.digest],
    ['of another algorithm', sha512, sha512],
    ['upper case, which is not a digest', blob.digest.toUpperCase(), blob.digest],
    ['of an algorithm that nobody knows', 'md5:abc', blob.digest],
    ['empty', '', blob.digest],
    ['twice and right', [blob.digest, blob.digest], blob.digest],
  ])('%s is fine', async (_, claim, expected) => {
    const {result} = await get(claim)
    expect((await result)?.descriptor.digest).toBe(expected)
  })

  it.each([
    ['wrong', wrong],
    ['wrong in another algorithm', digestOf(Buffer.from('other'), 'sha512')],
    ['twice, once wrong', [blob.digest, wrong]],
  ])('%s is refused', async (_, claim) => {
    for (const reference of ['v1', blob.digest]) {
      const {result} = await get(claim, reference)
      await expect(result).rejects.toMatchObject({code: 'ERR_INJECT_DIGEST_MISMATCH'})
    }
  })

  it('on HEAD: what it says is taken for a tag, and compared for a digest', async () => {
    const server = await startFakeServer(() => ({
      headers: {...type, 'docker-content-digest': wrong, ...length},
    }))
    const {store} = openRegistry(server.address)
    expect(await store.statManifest('v1')).toBe(wrong)
    await expect(store.statManifest(blob.digest)).rejects.toMatchObject({name: 'IntegrityError'})
    await expect(store.statBlob(blob.digest)).rejects.toMatchObject({name: 'IntegrityError'})
  })

  it.each([
    ['405', {status: 405}],
    ['no digest', {headers: type}],
    ['403', {status: 403}],
  ])('F23 a HEAD that answers %s is made good by a GET', async (_, answer) => {
    const server = await startFakeServer(({method}) =>
      method === 'HEAD' ? answer : {headers: type, body: bytes},
    )
    const {store} = openRegistry(server.address)
    expect(await store.statManifest('v1')).toBe(blob.digest)
  })

  it('F23 a HEAD of a blob that answers 405, or no length, is made good by a GET', async () => {
    for (const answer of [{status: 405}, {raw: 'HTTP/1.1 200 OK\r\n\r\n'}]) {
      const server = await startFakeServer(({method}) =>
        method === 'HEAD' ? answer : {headers: length, body: bytes},
      )
      const {store} = openRegistry(server.address)
      expect(await store.statBlob(blob.digest)).toEqual(blob)
    }
  })
})

describe('T-55 large manifests', () => {
  const limit = 4 * 1024 * 1024
  it('takes 4 MiB', async () => {
    const {result} = await getManifest(() => ({headers: type, body: Buffer.alloc(limit)}), 'v1')
    expect((await result)?.bytes).toHaveLength(limit)
  })

  it('refuses a byte more, and stops reading', async () => {
    let sent = 0
    // eslint-disable-next-line @typescript-eslint/require-await -- nothing to wait for
    const endless = async function* () {
      for (; sent < 1e9; sent += 100_000) yield Buffer.alloc(100_000)
    }
    for (const body of [Buffer.alloc(limit + 1), endless()]) {
      const {result} = await getManifest(() => ({headers: type, body}), 'v1')
      await expect(result).rejects.toMatchObject({name: 'LimitError', code: 'ERR_INJECT_TOO_LARGE'})
    }
    expect(sent).toBeLessThan(50e6)
  })
})

describe('F31 what no registry answers', () => {
  it.each([
    [
      'a login page',
      {headers: {'content-type': 'text/html; charset=utf-8'}, body: '<html>'},
      /a web page, this is not a registry/,
    ],
    ['no type', {body: '{}'}, /no media type, this is not a registry/],
    [
      'compressed',
      {headers: {...type, 'content-encoding': 'gzip'}, body: 'x'},
      /encoded as "gzip"/,
    ],
  ])('%s', async (_, answer, message) => {
    const {result} = await getManifest(() => answer, 'v1')
    const error = await result.catch((error: unknown) => error)
    expect(error).toMatchObject({name: 'IntegrityError'})
    expect(String(error)).toMatch(message)
  })

  it('a compressed blob', async () => {
    const {result} = await getBlob(() => ({headers: {'content-encoding': 'gzip'}, body: bytes}))
    await expect(result).rejects.toMatchObject({code: 'ERR_INJECT_CONTENT_ENCODED'})
  })

  it('T-50 passes the media type on as it came, for those who judge it', async () => {
    const {result} = await getManifest(
      () => ({
        headers: {'content-type': 'Application/X; charset=utf-8'},
        body: '{"mediaType": "y"}',
      }),
      'v1',
    )
    expect((await result)?.descriptor.mediaType).toBe('application/x')
  })

  it('F22 a blob that is not there', async () => {
    const {result, store} = await getBlob(() => ({status: 404, body: '<html>'}))
    await expect(result).rejects.toMatchObject({
      name: 'NotFoundError',
      code: 'ERR_INJECT_BLOB_NOT_FOUND',
    })
    expect(await store.statBlob(blob.digest)).toBeUndefined()
    expect(await store.getManifest('v1')).toBeUndefined()
    expect(await store.statManifest('v1')).toBeUndefined()
  })
})

describe('a consumer', () => {
  const storeOf = async (answer: Answer) => {
    const server = await startFakeServer(() => answer)
    return openRegistry(server.address, {timeouts: {idle: 150}}).store
  }

  it('that stops early ends the connection', async () => {
    let ended = false
    const endless = async function* () {
      try {
        for (;;) yield await Promise.resolve(Buffer.alloc(100_000))
      } finally {
        ended = true
      }
    }
    const store = await storeOf({body: endless()})
    for await (const chunk of await store.openBlob({...blob, size: 1e12})) {
      expect(chunk.length).toBeGreaterThan(0)
      break
    }
    while (!ended) await new Promise((resolve) => setTimeout(resolve, 5))
  })

  it('that is slow is not taken for a slow registry', async () => {
    const store = await storeOf({headers: length, body: bytes})
    const chunks: Uint8Array[] = []
    for await (const chunk of await store.openBlob(blob)) {
      if (chunks.length === 0) await new Promise((resolve) => setTimeout(resolve, 400))
      chunks.push(chunk)
    }
    expect(Buffer.concat(chunks)).toEqual(bytes)
  })

  it('that aborts gets its own reason', async () => {
    const store = await storeOf({headers: length, body: bytes, stall: 50_000})
    const stop = new AbortController()
    const reading = (async () => {
      for await (const chunk of await store.openBlob(blob, {signal: stop.signal})) {
        expect(chunk.length).toBeGreaterThan(0)
        stop.abort(new Error('enough'))
      }
    })()
    await expect(reading).rejects.toThrow('enough')
  })
})
