import {hashSync} from 'bcryptjs'
import {describe, expect, it, onTestFinished} from 'vitest'
import {createHtpasswdAccess} from '../../src/server/access/htpasswd-access.js'
import {hostOf} from '../../src/server/http/host-name.js'
import {parseHtpasswd} from '../../src/server/access/htpasswd.js'
import {createRegistryServer} from '../../src/server/registry-server.js'
import {createMemoryRoot} from '../support/memory-root.js'
import {send, sendRaw, serveRegistry} from '../support/served-registry.js'

const uploads = '/v2/a/blobs/uploads/'

async function statusFor(address: string, host: string): Promise<number> {
  const request = `GET /v2/ HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`
  return Number(/^HTTP\/1\.1 (\d+)/.exec(await sendRaw(address, request))?.[1])
}

describe('A7 the Host of a registry without passwords, which a web page under a rebound name gives as its own', () => {
  it.each([
    'localhost',
    'localhost:5000',
    'LocalHost:5000',
    'localhost.',
    'registry.localhost',
    '127.0.0.1',
    '127.8.8.8:5000',
    '[::1]:5000',
    '[::1%lo]:5000',
    '[0:0:0:0:0:0:0:1]',
    '[::ffff:127.0.0.1]',
  ])('%s is this machine', async (host) => {
    const {address} = await serveRegistry()
    expect(await statusFor(address, host)).toBe(200)
  })

  it.each([
    'evil.example',
    'evil.example:5000',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    'localtest.me',
    '192.0.2.1',
    '0.0.0.0',
    '[2001:db8::1]:5000',
    'user@localhost',
    '127.1',
    '2130706433',
    'xn--lcalhost-n4a',
    'l\u00F6calhost',
    'localhost,evil.example',
    '[::1',
    '',
  ])('%s is not', async (host) => {
    const {address} = await serveRegistry()
    expect(await statusFor(address, host)).toBe(403)
  })

  it('every method is refused, with an error body that says what to do, and counted', async () => {
    const {address, root, records} = await serveRegistry({metrics: true, page: true})
    const headers = {host: 'evil.example'}
    for (const [method, path] of [
      ['POST', uploads],
      ['PUT', '/v2/a/manifests/v1'],
      ['DELETE', '/v2/a/manifests/v1'],
      ['GET', '/v2/_catalog'],
      ['GET', '/metrics'],
    ] as const) {
      const answer = await send(address, method, path, {headers})
      expect([answer.status, answer.code]).toEqual([403, 'DENIED'])
      expect(answer.body.toString()).toContain('--allow-host')
    }
    expect((await send(address, 'GET', '/', {headers})).status).toBe(403)
    expect(await root.openRepository('a')).toBeUndefined()
    expect(records.every(({status}) => status === 403)).toBe(true)
    const metrics = (await send(address, 'GET', '/metrics')).body.toString()
    expect(metrics).toContain('inject_http_refused_total{reason="host"} 6')
    expect((await send(address, 'GET', '/healthz', {headers})).status).toBe(200)
  })

  it('a client of HTTP/1.0 gives none; two, or another in the target, are refused', async () => {
    const {address} = await serveRegistry()
    expect(await sendRaw(address, 'GET /v2/ HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /)
    const two = 'Host: localhost\r\nHost: evil.example'
    expect(
      await sendRaw(address, `GET /v2/ HTTP/1.1\r\n${two}\r\nConnection: close\r\n\r\n`),
    ).toMatch(/^HTTP\/1\.1 400 /)
    const absolute = 'GET http://evil.example/v2/ HTTP/1.1\r\nHost: localhost'
    expect(await sendRaw(address, `${absolute}\r\nConnection: close\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 400 /,
    )
  })

  it('names can be added', async () => {
    const {address} = await serveRegistry({allowHosts: ['registry.example', '192.0.2.1']})
    expect(await statusFor(address, 'Registry.Example.:5000')).toBe(200)
    expect(await statusFor(address, '192.0.2.1')).toBe(200)
    expect(await statusFor(address, 'other.example')).toBe(403)
    // what a gateway adds says nothing: anybody can send it
    const headers = {host: 'evil.example', 'x-forwarded-host': 'registry.example'}
    expect((await send(address, 'GET', '/v2/', {headers})).status).toBe(403)
  })

  it('of a registry at all addresses every address is its own, but no further name', async () => {
    const server = createRegistryServer({root: createMemoryRoot()})
    onTestFinished(() => server.close(0))
    const address = new URL((await server.listen({host: '0.0.0.0'})).url).host
    expect(await statusFor(address, '192.0.2.1:5000')).toBe(200)
    expect(await statusFor(address, '[2001:db8::1]')).toBe(200)
    expect(await statusFor(address, 'evil.example')).toBe(403)
  })

  it('with passwords for everything any name does; on loopback where anybody may pull, none but ours', async () => {
    const users = parseHtpasswd(`alice:${hashSync('s3cret', 4)}\n`)
    for (const [anonymous, status] of [
      ['none', 401],
      ['pull', 403],
    ] as const) {
      const access = createHtpasswdAccess(users, {anonymous})
      onTestFinished(() => access.close())
      const {address} = await serveRegistry({access})
      expect(await statusFor(address, 'registry.example')).toBe(status)
    }
  })

  it.each([
    ['EXAMPLE.com.:80', 'example.com'],
    ['[2001:DB8:0::1]:443', '2001:db8::1'],
    ['[fe80::1%25eth0]', 'fe80::1'],
    ['[::ffff:192.0.2.1]', '192.0.2.1'],
    ['.', undefined],
    ['a b', undefined],
    ['[1.2.3.4]', undefined],
    ['a:b', undefined],
  ])('%s is the host %s', (text, host) => {
    expect(hostOf(text)).toBe(host)
  })
})

describe('A7 what a page of somebody else makes a browser send', () => {
  const foreign: Record<string, string>[] = [
    {origin: 'https://evil.example'},
    {origin: 'null'},
    {origin: ''},
    {origin: 'http://localhost:3000'},
    {'sec-fetch-site': 'cross-site'},
    {'sec-fetch-site': 'same-site'},
    {origin: 'http://ADDRESS', 'sec-fetch-site': 'cross-site'},
    {origin: 'http://ADDRESS@evil.example'},
    {origin: 'file://ADDRESS'},
  ]
  it.each(foreign)('%j writes nothing, but may read', async (given) => {
    const {address, root} = await serveRegistry({metrics: true})
    const headers = Object.fromEntries(
      Object.entries(given).map(([name, value]) => [name, value.replace('ADDRESS', address)]),
    )
    for (const [method, path] of [
      ['POST', uploads],
      ['PATCH', `${uploads}x`],
      ['PUT', '/v2/a/manifests/v1'],
      ['DELETE', '/v2/a/manifests/v1'],
    ] as const) {
      const answer = await send(address, method, path, {headers})
      expect([answer.status, answer.code]).toEqual([403, 'DENIED'])
    }
    expect(await root.openRepository('a')).toBeUndefined()
    expect((await send(address, 'GET', '/v2/', {headers})).status).toBe(200)
    const metrics = (await send(address, 'GET', '/metrics')).body.toString()
    expect(metrics).toContain('inject_http_refused_total{reason="origin"} 4')
  })

  it('its own pages, typed addresses and clients, which send neither header, may write', async () => {
    const {address} = await serveRegistry()
    for (const headers of [
      {},
      {origin: `http://${address}`, 'sec-fetch-site': 'same-origin'},
      {'sec-fetch-site': 'none'},
      {host: 'localhost:80', origin: 'http://localhost'},
      {host: 'localhost:443', origin: 'https://LOCALHOST'},
    ] as Record<string, string>[])
      expect((await send(address, 'POST', uploads, {headers})).status).toBe(202)
  })

  it('the page cannot be put into a frame', async () => {
    const {address} = await serveRegistry({page: true})
    const {headers} = await send(address, 'GET', '/', {headers: {'sec-fetch-site': 'cross-site'}})
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
    expect(headers['x-frame-options']).toBe('DENY')
  })
})
