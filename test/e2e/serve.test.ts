import {hashSync} from 'bcryptjs'
import {spawn, type ChildProcess} from 'node:child_process'
import {once} from 'node:events'
import {mkdir, readdir, readFile, symlink, writeFile} from 'node:fs/promises'
import {get} from 'node:https'
import {join} from 'node:path'
import {createInterface} from 'node:readline'
import {fileURLToPath} from 'node:url'
import {expect, it, onTestFinished} from 'vitest'
import {digestOf} from '../../src/oci/digest.js'
import {makeCertificate} from '../support/certificate.js'
import {inject} from '../support/cli.js'
import {serveCommand} from '../support/serve-command.js'
import {makeManifest, pushBlob, putManifest, send} from '../support/served-registry.js'
import {tempDir} from '../support/temp-dir.js'

const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url))

interface Served {
  readonly child: ChildProcess
  /** The lines on stdout, one for each listener. */
  readonly urls: string[]
  readonly addresses: string[]
  /** What came on stderr so far. */
  readonly log: () => string
  readonly end: (signal?: NodeJS.Signals) => Promise<number | null>
}

/** The built command, when it says that it is ready. */
async function serve(args: readonly string[], count = 1): Promise<Served> {
  const child = spawn(process.execPath, [program, 'serve', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const urls: string[] = []
  for await (const line of createInterface({input: child.stdout})) {
    urls.push(line)
    if (urls.length === count) break
  }
  if (urls.length < count) throw new Error(`inject serve ended: ${log}`)
  const exited = once(child, 'exit') as Promise<[number | null]>
  return {
    child,
    urls,
    addresses: urls.map((url) => new URL(url).host),
    log: () => log,
    async end(signal = 'SIGTERM') {
      child.kill(signal)
      return (await exited)[0]
    },
  }
}

it('serves a folder until SIGTERM, says where, logs, and ends with 0', async () => {
  const root = join(await tempDir(), 'root')
  const {urls, addresses, log, end} = await serve([
    root,
    '--listen',
    '127.0.0.1:0',
    '--log',
    'json',
  ])
  expect(urls).toEqual([expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/)])
  const [address = ''] = addresses
  const bytes = await makeManifest(address, 'team/app')
  expect((await putManifest(address, 'team/app/manifests/v1', bytes)).status).toBe(201)
  const odd = {'x-request-id': 'mine-1', 'user-agent': 'two\u0085lines'}
  const answer = await send(address, 'GET', '/v2/?"', {headers: odd})
  expect(answer.headers['x-request-id']).toBe('mine-1')
  expect(await end()).toBe(0)
  const lines = log()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(lines).toContainEqual(
    expect.objectContaining({
      method: 'PUT',
      target: '/v2/team/app/manifests/v1',
      resource: 'manifest',
      status: 201,
      received: bytes.length,
    }),
  )
  expect(lines).toContainEqual(
    expect.objectContaining({id: 'mine-1', target: '/v2/?"', agent: 'two\u0085lines'}),
  )
  expect(log()).not.toMatch(/[^\x20-\x7e\n]/)

  // what was stored is there for the next one, and for a command that reads the layout
  const again = await serve([root, '--listen', '127.0.0.1:0', '--log', 'text'])
  const got = await send(again.addresses[0] ?? '', 'GET', '/v2/team/app/manifests/v1')
  expect(digestOf(got.body)).toBe(digestOf(bytes))
  const second = await inject(['serve', root, '--listen', '127.0.0.1:0'])
  expect([second.exitCode, second.stdout]).toEqual([9, ''])
  expect(await again.end('SIGINT')).toBe(0)
})

it('serves several folders that share nothing', async () => {
  const folder = await tempDir()
  const flags = ['a', 'b'].flatMap((name) => ['--listen', `127.0.0.1:0=${join(folder, name)}`])
  const {addresses, end} = await serve([...flags, '-q'], 2)
  const [first = '', second = ''] = addresses
  const {digest} = await pushBlob(first, 'app', 'content')
  expect((await send(second, 'HEAD', `/v2/app/blobs/${digest}`)).status).toBe(404)
  expect(
    (await send(second, 'POST', `/v2/app/blobs/uploads/?mount=${digest}&from=app`)).status,
  ).toBe(202)
  await pushBlob(first, 'only/here', 'content')
  // a session that nobody has written to makes no repository
  expect((await send(second, 'GET', '/v2/_catalog')).json()).toEqual({repositories: []})
  await pushBlob(second, 'only/there', 'content')
  expect((await send(second, 'GET', '/v2/_catalog')).json()).toEqual({repositories: ['only/there']})
  expect(await end()).toBe(0)
})

it('refuses to serve a folder inside another one, by whatever name', async () => {
  const folder = await tempDir()
  await mkdir(join(folder, 'outer'))
  await symlink('outer', join(folder, 'other'))
  const result = await inject([
    'serve',
    join(folder, 'other/inner'),
    ...['--listen', '127.0.0.1:0', '--listen', `127.0.0.1:0=${join(folder, 'outer')}`],
  ])
  expect([result.exitCode, result.stdout]).toEqual([2, ''])
  expect(result.stderr).toMatch(/other\/inner" is inside .*outer"/)
  expect(await readdir(join(folder, 'outer'))).toEqual([])
  // one folder at two addresses, though, and two that only begin alike
  const listeners = ['outer', 'other', 'outer-2'].map((name) => `127.0.0.1:0=${join(folder, name)}`)
  const {addresses, end} = await serve(
    listeners.flatMap((each) => ['--listen', each]),
    3,
  )
  const {digest} = await pushBlob(addresses[0] ?? '', 'app', 'content')
  const statuses = addresses.map(
    async (address) => (await send(address, 'HEAD', `/v2/app/blobs/${digest}`)).status,
  )
  expect(await Promise.all(statuses)).toEqual([200, 200, 404])
  expect(await end()).toBe(0)
})

it('a running upload may end after SIGTERM', async () => {
  const root = join(await tempDir(), 'root')
  const {addresses, end} = await serve([root, '--listen', '127.0.0.1:0'])
  const [address = ''] = addresses
  const {headers} = await send(address, 'POST', '/v2/a/blobs/uploads/')
  const {request} = await import('node:http')
  const slow = request(`http://${address}${headers.location ?? ''}`, {
    method: 'PATCH',
    headers: {'content-length': 10},
  })
  const status = new Promise((resolve) =>
    slow.once('response', (response) => resolve(response.statusCode)),
  )
  slow.write('01234')
  await expect
    .poll(async () => (await send(address, 'GET', headers.location ?? '')).headers.range)
    .toBe('0-4')
  const ended = end()
  await expect
    .poll(() =>
      send(address, 'GET', '/v2/').then(
        () => 'served',
        () => 'refused',
      ),
    )
    .toBe('refused')
  slow.end('56789')
  expect(await status).toBe(202)
  expect(await ended).toBe(0)
})

it('listens beyond loopback only with TLS and passwords, or when told to', async () => {
  const root = join(await tempDir(), 'root')
  for (const address of ['0.0.0.0:0', ':0', '[::]:0', '192.0.2.1:0']) {
    const {exitCode, stderr, stdout} = await inject(['serve', root, '--listen', address])
    expect([exitCode, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/without passwords .* and without TLS .*--insecure-bind/)
    expect(stderr).toContain(address.replace(/^:/, '[::]:'))
  }
  const {end} = await serve([root, '--listen', '0.0.0.0:0', '--insecure-bind'])
  expect(await end()).toBe(0)
})

it('A7 a host that is not ours is refused, unless --allow-host names it', async () => {
  const root = join(await tempDir(), 'root')
  const names = ['registry.example', 'käse.example', '2001:db8::1']
  const {address} = await serveCommand(
    root,
    names.flatMap((name) => ['--allow-host', name]),
  )
  const statusFor = async (host: string): Promise<number> =>
    (await send(address, 'GET', '/v2/', {headers: {host}})).status
  for (const host of ['registry.example:5000', 'xn--kse-qla.example', '[2001:db8::1]', address])
    expect([host, await statusFor(host)]).toEqual([host, 200])
  expect(await statusFor('evil.example')).toBe(403)
})

it.each([
  [['--listen', '127.0.0.1:0'], 2, 'no folder to serve'],
  [['ROOT', '--listen', '127.0.0.1'], 2, 'not an address'],
  [['ROOT', '--listen', '127.0.0.1:99999'], 2, 'not an address'],
  [['ROOT', '--allow-host', 'registry.example:5000'], 2, 'invalid host name'],
  [['ROOT', '--allow-host', 'http://registry.example'], 2, 'invalid host name'],
  [['ROOT', '--auth', 'ldap:x'], 2, 'unknown way to log in'],
  [['ROOT', '--auth', 'htpasswd:/nonexistent'], 9, 'no such file'],
  [['ROOT', '--tls-cert', 'x'], 2, 'without its key'],
  [['ROOT', '--anonymous', 'pull'], 2, '--auth'],
  [['ROOT', '--listen', '192.0.2.1:0', '--insecure-bind'], 9, 'no such address'],
])('%j ends with %i', async (args, code, why) => {
  const root = join(await tempDir(), 'root')
  const result = await inject(['serve', ...args.map((arg) => (arg === 'ROOT' ? root : arg))])
  expect([result.exitCode, result.stdout]).toEqual([code, ''])
  expect(result.stderr).toContain(why)
})

it('SIGHUP reads passwords and certificates again, and keeps the old ones when the new are unfit', async () => {
  const folder = await tempDir()
  const [users, cert, key] = ['users', 'cert.pem', 'key.pem'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  const old = makeCertificate()
  await writeFile(users, `alice:${hashSync('old', 4)}\n`)
  await writeFile(cert, old.certificate)
  await writeFile(key, old.key)
  const {child, addresses, urls, log, end} = await serve([
    join(folder, 'root'),
    '--listen',
    '127.0.0.1:0',
    '--auth',
    `htpasswd:${users}`,
    '--tls-cert',
    cert,
    '--tls-key',
    key,
  ])
  expect(urls[0]).toMatch(/^https:/)
  const login = (password: string, ca: string) =>
    new Promise<number | string>((resolve) => {
      get(
        `https://${addresses[0] ?? ''}/v2/`,
        {auth: `alice:${password}`, ca, agent: false},
        (response) => {
          response.resume()
          resolve(response.statusCode ?? 0)
        },
      ).once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
    })
  expect(await login('old', old.certificate)).toBe(200)
  const next = makeCertificate()
  await writeFile(users, `alice:${hashSync('new', 4)}\n`)
  await writeFile(cert, next.certificate)
  await writeFile(key, next.key)
  child.kill('SIGHUP')
  await expect.poll(log).toContain('read again')
  expect(await login('new', next.certificate)).toBe(200)
  expect(await login('old', next.certificate)).toBe(401)
  expect(await login('new', old.certificate)).not.toBe(200)
  await writeFile(users, 'alice:plain\n')
  child.kill('SIGHUP')
  await expect.poll(log).toContain('the old passwords and certificates stay')
  expect(await login('new', next.certificate)).toBe(200)
  expect(await end()).toBe(0)
})

it('a Node program starts a registry in three lines', async () => {
  const folder = await tempDir()
  const {exports} = JSON.parse(await readFile('package.json', 'utf8')) as {
    exports: Record<string, {default: string}>
  }
  const load = (name: string) =>
    import(join(process.cwd(), exports[name]?.default ?? '')) as Promise<Record<string, unknown>>
  const {openRepositoryRoot} = (await load(
    './store',
  )) as typeof import('../../src/store/served/open-root.js')
  const {createRegistryServer} = (await load(
    './server',
  )) as typeof import('../../src/server/registry-server.js')
  const root = await openRepositoryRoot(join(folder, 'root'), {create: true})
  const registry = createRegistryServer({root})
  const {url} = await registry.listen()
  expect((await send(new URL(url).host, 'GET', '/v2/')).status).toBe(200)
  await registry.close()
  await root.close()
})

it('does not serve a folder that holds other files, unless it is told to', async () => {
  const folder = await tempDir()
  await mkdir(join(folder, 'etc/app'), {recursive: true})
  await writeFile(join(folder, 'etc/app/conf'), 'setting')
  const refused = await inject(['serve', join(folder, 'etc'), '--listen', '127.0.0.1:0'])
  expect(refused.exitCode).toBe(2)
  expect(refused.stderr).toContain('/etc" holds other files, and was never served')
  expect(await readdir(join(folder, 'etc'))).toEqual(['app'])
  const forced = await serve([join(folder, 'etc'), '--force', '--listen', '127.0.0.1:0'])
  expect(await forced.end()).toBe(0)
  const served = await serve([join(folder, 'etc'), '--listen', '127.0.0.1:0'])
  expect(await served.end()).toBe(0)
})
