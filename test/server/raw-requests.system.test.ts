import {connect} from 'node:net'
import {describe, expect, it} from 'vitest'
import {pushBlob, send, sendRaw, serveRegistry} from '../support/served-registry.js'

const sha = `sha256:${'a'.repeat(64)}`

async function statusOf(address: string, requestLine: string): Promise<number> {
  const answer = await sendRaw(
    address,
    `${requestLine} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
  )
  return Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1])
}

describe('T-71 paths that are not what they seem', () => {
  const refused: [string, number][] = [
    ['GET /v2/../etc/passwd', 404],
    ['GET /v2/a/../b/manifests/v1', 400],
    ['GET /v2/a/%2e%2e/b/manifests/v1', 400],
    ['GET /v2/a/%252e/manifests/v1', 400],
    ['GET /v2/a%00b/manifests/v1', 400],
    ['GET /v2/a\\b/manifests/v1', 400],
    ['GET /v2//a/manifests/v1', 400],
    ['GET /v2/a//b/manifests/v1', 400],
    ['GET /v2/a/manifests//v1', 404],
    ['GET /v2/a/manifests/', 400],
    ['GET /v2/a/manifests/..', 400],
    ['GET /v2/a/manifests/%2e%2e', 400],
    ['GET /v2/a/manifests/.hidden', 400],
    ['GET /v2/a/manifests/index.json/', 404],
    ['GET /v2/A/manifests/v1', 400],
    ['GET /v2/./manifests/v1', 400],
    ['GET /v2/_/manifests/v1', 400],
    ['GET /v2/-/manifests/v1', 400],
    ['GET /v2/a___b/manifests/v1', 400],
    ['GET /v2/manifests/v1', 404],
    [`GET /v2/${'a'.repeat(256)}/manifests/v1`, 400],
    [`GET /v2/${'a/'.repeat(2000)}a/manifests/v1`, 400],
    [`GET /v2/a/manifests/${'t'.repeat(129)}`, 400],
    ['GET /v2/a/blobs/sha256:../../../../etc/passwd', 404],
    ['GET /v2/a/blobs/sha256:abc', 400],
    [`GET /v2/a/blobs/${sha.toUpperCase()}`, 400],
    [`GET /v2/a/blobs/sha256%3A${'a'.repeat(64)}`, 400],
    ['GET /v2/a/blobs/md5:d41d8cd98f00b204e9800998ecf8427e', 400],
    ['GET /v2/a/referrers/latest', 400],
    ['GET /v2/a/blobs/uploads/../../x', 404],
    ['GET /v2/a/blobs/uploads/..%2f..%2fx', 404],
    ['GET /v2/a/tags/lists', 404],
    ['GET /v1/', 404],
    ['GET /', 404],
    ['GET http://127.0.0.1/v2/', 400],
    ['OPTIONS *', 400],
    ['GET /v2/%', 404],
  ]
  it.each(refused)('%s -> %i', async (line, status) => {
    const {address} = await serveRegistry()
    expect(await statusOf(address, line)).toBe(status)
  })

  it.each([
    'blobs',
    'uploads',
    'manifests',
    'tags',
    'referrers',
    'blobs/uploads',
    'a/blobs',
    'manifests/tags',
    'tags/list',
    'v2',
    'index.json',
    'a__b/c.d/e-f',
  ])('a repository may be called %s', async (name) => {
    const {address} = await serveRegistry()
    const {digest} = await pushBlob(address, name, 'content')
    expect((await send(address, 'GET', `/v2/${name}/blobs/${digest}`)).body.toString()).toBe(
      'content',
    )
    expect((await send(address, 'GET', `/v2/${name}/tags/list`)).json()).toEqual({name, tags: []})
    expect((await send(address, 'GET', `/v2/${name}/manifests/list`)).code).toBe('MANIFEST_UNKNOWN')
  })
})

describe('T-70 lists', () => {
  it.each([
    ['n=0', 200],
    ['n=1', 200],
    ['n=1000000000', 200],
    ['n=18446744073709551616', 200],
    ['n=-1', 400],
    ['n=abc', 400],
    ['n=1.5', 400],
    ['n=', 400],
    ['n=1&n=2', 400],
    ['last=../../etc', 200],
    ['last=%00', 200],
    ['last=%ff', 200],
  ])('_catalog?%s -> %i', async (query, status) => {
    const {address} = await serveRegistry()
    await pushBlob(address, 'team/app', 'x')
    const answer = await send(address, 'GET', `/v2/_catalog?${query}`)
    expect(answer.status).toBe(status)
    expect((await send(address, 'GET', `/v2/team/app/tags/list?${query}`)).status).toBe(status)
  })
})

describe('T-79 what one client may cost', () => {
  it('more than 32 KiB of headers are refused with 400, as by nginx', async () => {
    const {address} = await serveRegistry()
    const answer = await sendRaw(
      address,
      `GET /v2/ HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(65_536)}\r\n\r\n`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 400 [^]*the headers are too large/)
  })

  it('headers that do not come are answered with 408', async () => {
    const {address} = await serveRegistry({limits: {headersTime: 200}})
    expect(await sendRaw(address, 'GET /v2/ HTTP/1.1\r\nHost: localhost\r\n')).toMatch(
      /^HTTP\/1\.1 408 /,
    )
  })

  it('a connection that never says anything is ended', async () => {
    const {address} = await serveRegistry({limits: {headersTime: 200}})
    expect(await sendRaw(address, '')).toMatch(/^(?:HTTP\/1\.1 408 |$)/)
  })

  it('a body that stalls is answered with 408, and what came of it is kept', async () => {
    const {address} = await serveRegistry({limits: {idleTime: 200}})
    const {headers} = await send(address, 'POST', '/v2/a/blobs/uploads/')
    const location = headers.location ?? ''
    const answer = await sendRaw(
      address,
      `PATCH ${location} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n0123456789`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 408 /)
    expect((await send(address, 'GET', location)).headers.range).toBe('0-9')
  })

  it('a body that drips below the minimum rate is answered with 408', async () => {
    const {address} = await serveRegistry({limits: {rateWindow: 100, uploadRate: 1000}})
    const {headers} = await send(address, 'POST', '/v2/a/blobs/uploads/')
    const {hostname, port} = new URL(`http://${address}`)
    const socket = connect(Number(port), hostname)
    socket.write(
      `PATCH ${headers.location ?? ''} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n`,
    )
    const drip = setInterval(() => socket.write('x'), 20)
    const answer = await new Promise<string>((resolve) => {
      socket.once('data', (chunk: Buffer) => resolve(chunk.toString()))
    })
    clearInterval(drip)
    socket.destroy()
    expect(answer).toMatch(/^HTTP\/1\.1 408 /)
  })

  it('a body shorter than its Content-Length leaves the offset of what came', async () => {
    const {address, records} = await serveRegistry()
    const {headers} = await send(address, 'POST', '/v2/a/blobs/uploads/')
    const {hostname, port} = new URL(`http://${address}`)
    const socket = connect(Number(port), hostname)
    socket.write(
      `PATCH ${headers.location ?? ''} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n12345`,
    )
    await expect
      .poll(async () => (await send(address, 'GET', headers.location ?? '')).headers.range)
      .toBe('0-4')
    socket.destroy()
    await expect.poll(() => records.map(({status}) => status)).toContain(499)
    const rest = await send(address, 'PATCH', headers.location ?? '', {
      body: '678',
      headers: {'content-range': '5-7'},
    })
    expect(rest.status).toBe(202)
    expect(rest.headers.range).toBe('0-7')
  })

  it('smuggling by Transfer-Encoding beside Content-Length is refused with 400', async () => {
    const {address, records} = await serveRegistry()
    const answer = await sendRaw(
      address,
      'POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /v2/evil HTTP/1.1\r\nHost: localhost\r\n\r\n',
    )
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1)
    expect(records).toEqual([])
  })

  it.each([
    'GET /v2/ HTTP/1.1\r\n\r\n',
    'GET /v2/ HTTP/9.9\r\nHost: localhost\r\n\r\n',
    'GET /v2/ HTTP/1.1\r\nHost : x\r\n\r\n',
    'GET /v2/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
    'GET /v2/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n',
    '\0\0\0\0\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03\r\n\r\n',
  ])('what is no HTTP is refused with 400: %j', async (text) => {
    const {address} = await serveRegistry()
    expect(await sendRaw(address, text)).toMatch(/^HTTP\/1\.1 400 /)
  })

  it('a manifest of 4 MiB and a byte is refused with 413, announced or not', async () => {
    const {address} = await serveRegistry()
    const body = Buffer.alloc(4 * 1024 * 1024 + 1, ' ')
    expect((await send(address, 'PUT', '/v2/a/manifests/v1', {body})).code).toBe('SIZE_INVALID')
    const chunked = await sendRaw(
      address,
      Buffer.concat([
        Buffer.from(
          'PUT /v2/a/manifests/v1 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n400001\r\n',
        ),
        body,
        Buffer.from('\r\n0\r\n\r\n'),
      ]),
    )
    expect(chunked).toMatch(/^HTTP\/1\.1 413 /)
  })

  it('a blob beyond the largest is refused, also in several chunks', async () => {
    const {address} = await serveRegistry({limits: {uploadSize: 10}})
    const {headers} = await send(address, 'POST', '/v2/a/blobs/uploads/')
    const location = headers.location ?? ''
    expect((await send(address, 'PATCH', location, {body: '01234567'})).status).toBe(202)
    expect((await send(address, 'PATCH', location, {body: '89a'})).status).toBe(413)
    expect((await send(address, 'GET', location)).headers.range).toBe('0-7')
  })

  it('the answer to a large body that nobody wants arrives, and the connection ends', async () => {
    const {address} = await serveRegistry({readOnly: true})
    const answer = await sendRaw(
      address,
      `POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n${'x'.repeat(500_000)}`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 405 /)
    expect(answer).toMatch(/connection: close/i)
  })

  it('a client that waits for 100 Continue gets it when the body is wanted, else its answer', async () => {
    const {address} = await serveRegistry()
    const {headers} = await send(address, 'POST', '/v2/a/blobs/uploads/')
    const expectation = 'Host: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n'
    const location = headers.location ?? ''
    const wanted = await sendRaw(
      address,
      `PATCH ${location} HTTP/1.1\r\n${expectation}`,
      /100 Continue/,
    )
    expect(wanted).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\n$/)
    const unknown = location.replace(/[^/]*$/, 'nothing')
    const refused = await sendRaw(address, `PATCH ${unknown} HTTP/1.1\r\n${expectation}`)
    expect(refused).toMatch(/^HTTP\/1\.1 404 /)
    expect(refused).not.toMatch(/100 Continue/)
  })

  it('T-72 what two readers could take for different requests is refused, and the connection ends where its end is unclear', async () => {
    const {address} = await serveRegistry()
    const ask = (headers: string, body = ''): Promise<string> =>
      sendRaw(
        address,
        `POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n\r\n${body}`,
      )
    const close = 'Connection: close'
    expect(await ask(`Host: other.localhost\r\n${close}`)).toMatch(/^HTTP\/1\.1 400 /)
    expect(await ask(`Host: localhost\r\n${close}`)).toMatch(/^HTTP\/1\.1 400 /)
    const coded = await ask('Transfer-Encoding: gzip, chunked', '0\r\n\r\n')
    expect(coded).toMatch(/^HTTP\/1\.1 501 /)
    expect(coded.match(/HTTP\/1\.1/g)).toHaveLength(1)
    expect(await ask(`Transfer-Encoding: Chunked\r\n${close}`, '0\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 202 /,
    )
  })

  it('requests that follow each other without waiting are carried out in their order', async () => {
    const {address} = await serveRegistry()
    const {headers} = await send(address, 'POST', '/v2/a/blobs/uploads/')
    const location = headers.location ?? ''
    const patch = (text: string) =>
      `PATCH ${location} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${text.length}\r\n\r\n${text}`
    const last = `GET ${location} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`
    const answers = await sendRaw(address, patch('abc') + patch('def') + patch('ghi') + last)
    expect(answers.match(/^range: .*$/gim)).toEqual([2, 5, 8, 8].map((end) => `range: 0-${end}`))
  })

  it('a flood of requests that nobody reads the answers of ends the connection', async () => {
    const {address} = await serveRegistry()
    const {headers} = await send(address, 'POST', '/v2/a/blobs/uploads/')
    const stalled = `PATCH ${headers.location ?? ''} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx`
    const flood = 'GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(5000)
    const answers = await sendRaw(address, stalled + flood).catch(() => '')
    expect(answers.match(/HTTP\/1\.1 200/g)?.length ?? 0).toBeLessThan(5000)
  })
})

describe('T-82 what a browser might make of it', () => {
  it.each(['/v2/', '/v2/a/blobs/DIGEST', '/v2/nothing/manifests/v1', '/healthz'])(
    '%s',
    async (path) => {
      const {address} = await serveRegistry()
      const {digest} = await pushBlob(address, 'a', '<html><script>alert(1)</script>')
      const {headers} = await send(address, 'GET', path.replace('DIGEST', digest))
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers['content-type']).toMatch(
        /^(?:application\/json|application\/octet-stream|text\/plain)/,
      )
    },
  )
})
