import {execa} from 'execa'
import {randomBytes} from 'node:crypto'
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {makeAuthority} from '../support/certificate-authority.js'
import {inject} from '../support/cli.js'
import {startDockerRegistry} from '../support/docker-registry.js'
import {startFakeServer} from '../support/fake-server.js'
import {makeLayoutImage} from '../support/layout-image.js'
import {startNginx} from '../support/nginx.js'
import {serveRegistry} from '../support/served-registry.js'
import {proxyUser, startSquid} from '../support/squid.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'

/** A registry without images that ends with 4 anyone who gets as far as asking for one. */
const start = async ({clients = false} = {}) => {
  const authority = await makeAuthority()
  const tls = await authority.issue('registry', 'IP:127.0.0.1,DNS:registry.test')
  const client = await authority.issue('client', 'DNS:client')
  const {address: upstream} = await startDockerRegistry()
  const front = {upstream, tls, ...(clients && {clientAuthority: authority.certificate})}
  const port = await startNginx(front)
  return {authority, client, port, image: `127.0.0.1:${port}/team/app:v1`}
}
const inspect = (image: string, flags: readonly string[] = [], env: Record<string, string> = {}) =>
  inject(['inspect', image, '--progress', 'plain', ...flags], {env})

describeWith(['nginx', 'openssl', 'docker-registry'], 'a registry behind TLS', () => {
  it('is reached with its authority, and not without', async () => {
    const {authority, image} = await start()
    const known = await inspect(image, ['--ca-file', authority.certificate])
    expect(known).toMatchObject({exitCode: 4})
    const unknown = await inspect(image, ['--no-plain-http'])
    expect(unknown).toMatchObject({
      exitCode: 5,
      stderr: expect.stringMatching(/unable to verify.*--ca-file FILE/) as string,
    })
  })

  it.each([['--insecure'], ['--tls-verify=false']])(
    'is reached by %s, with a warning',
    async (flag) => {
      const {image} = await start()
      const {exitCode, stderr} = await inspect(image, [flag])
      expect(exitCode).toBe(4)
      expect(stderr).toMatch(/certificates are not checked/)
    },
  )

  it('gets to see a client certificate', async () => {
    const {authority, client, image} = await start({clients: true})
    const ca = ['--ca-file', authority.certificate]
    const pair = ['--cert-file', client.certificate, '--key-file', client.key]
    expect(await inspect(image, [...ca, ...pair])).toMatchObject({exitCode: 4})
    expect(await inspect(image, ca)).toMatchObject({exitCode: 5})
    expect(await inspect(image, [...ca, '--cert-file', client.certificate])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('--key-file') as string,
    })
  })
})

describeWith(['nginx', 'openssl', 'docker-registry', 'skopeo'], 'nginx with a limit of 8m', () => {
  const registries: [string, () => Promise<string>][] = [
    ['inject serve', async () => (await serveRegistry()).address],
    ['docker-registry', async () => (await startDockerRegistry()).address],
  ]
  it.each(registries)('lets a layer of 20 MB through in chunks: %s', async (_, upstreamOf) => {
    const authority = await makeAuthority()
    const tls = await authority.issue('registry', 'IP:127.0.0.1')
    const upstream = await upstreamOf()
    const port = await startNginx({upstream, tls, maxBody: '8m'})
    const folder = await tempDir()
    const local = await makeLayoutImage(folder)
    const options = ['--insecure-policy', 'copy', '-q', '--dest-tls-verify=false']
    await execa('skopeo', [...options, local, `docker://${upstream}/team/app:v1`])
    const tree = join(folder, 'tree')
    mkdirSync(tree)
    // nothing that compresses
    writeFileSync(join(tree, 'noise'), randomBytes(20_000_000))
    const image = `127.0.0.1:${port}/team/app:v1`
    const ca = ['--ca-file', authority.certificate]
    const {exitCode, stderr} = await inject(['update', image, tree, ...ca])
    expect(exitCode, stderr).toBe(0)
    const back = join(folder, 'back')
    expect((await inject(['unpack', image, back, ...ca])).exitCode).toBe(0)
    expect(readFileSync(join(back, 'noise')).equals(readFileSync(join(tree, 'noise')))).toBe(true)
  })
})

describeWith(['squid', 'nginx', 'openssl', 'docker-registry'], 'a registry behind a proxy', () => {
  it('is reached with the right password, which is nowhere shown', async () => {
    const {authority, port} = await start()
    const squid = await startSquid({auth: true})
    const image = `registry.test:${port}/team/app:v1`
    const flags = ['--ca-file', authority.certificate, '--debug']
    const proxy = (password: string) => ({
      HTTPS_PROXY: `http://${proxyUser.username}:${encodeURIComponent(password)}@${squid.address}`,
    })
    expect(await inspect(image, flags, proxy(proxyUser.password))).toMatchObject({exitCode: 4})
    const wrong = await inspect(image, flags, proxy('wrong-canary'))
    expect(wrong).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining(`the proxy http://${squid.address} wants`) as string,
    })
    expect(wrong.stderr).not.toMatch(/canary/)
  })
})

describe('patience', () => {
  it.each([
    [['--retry-times', '0'], 1],
    [['--retry-times', '2', '--retry-delay', '1ms'], 3],
    [['--retry-delay', '1ms'], 6],
  ] as const)('%j asks %i times', async (flags, times) => {
    const server = await startFakeServer(() => ({status: 502}))
    const {exitCode} = await inspect(`${server.address}/team/app:v1`, flags)
    expect([exitCode, server.requests.length]).toEqual([5, times])
  })

  it('ends with --timeout, with an exit code of its own', async () => {
    const server = await startFakeServer(() => ({stall: true}))
    const result = await inspect(`${server.address}/team/app:v1`, ['--timeout', '300ms', '--json'])
    expect(result.exitCode).toBe(124)
    expect(JSON.parse(result.stdout)).toMatchObject({
      error: {code: 'ERR_INJECT_TIMED_OUT', message: 'not done within 0.3 s', exitCode: 124},
    })
  })

  it('has no end with --timeout 0s', async () => {
    const server = await startFakeServer(() => ({status: 404}))
    const result = await inspect(`${server.address}/team/app:v1`, ['--timeout', '0s'])
    expect(result.exitCode).toBe(4)
  })
})

it('--mirror must be the address of one', async () => {
  const server = await startFakeServer(() => ({status: 404}))
  const result = await inspect(`${server.address}/team/app:v1`, ['--mirror', 'ftp://x'])
  expect([result.exitCode, server.requests]).toEqual([2, []])
})
