import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {mkdir, readdir, rename, rm} from 'node:fs/promises'
import {connect, type Socket} from 'node:net'
import {join} from 'node:path'
import {createInterface} from 'node:readline'
import {expect, it, onTestFinished} from 'vitest'
import {digestOf} from '../../src/oci/digest.js'
import {layoutPaths} from '../../src/store/layout/paths.js'
import {rootPaths} from '../../src/store/layout/root-paths.js'
import {programPath, serveCommand} from '../support/serve-command.js'
import {makeManifest, pushBlob, putManifest, send} from '../support/served-registry.js'
import {tempDir} from '../support/temp-dir.js'

/** The built `inject serve ROOT` with so many descriptors and no more. */
async function serveWithFew(
  root: string,
  descriptors: number,
): Promise<{address: string; log: () => string}> {
  const command = `ulimit -n ${descriptors}; exec "$@"`
  const args = [process.execPath, programPath, 'serve', root, '--listen', '127.0.0.1:0']
  const child = spawn('sh', ['-c', command, 'sh', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {PATH: process.env['PATH'] ?? '', HOME: '/nonexistent'},
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const [first] = (await once(createInterface({input: child.stdout}), 'line')) as [string]
  return {address: new URL(first).host, log: () => log}
}

/** Asks for a large blob and reads nothing of it; what comes first, or `refused`. */
async function openSlowGet(
  address: string,
  path: string,
): Promise<{socket: Socket; first: string}> {
  const {hostname, port} = new URL(`http://${address}`)
  const socket = connect(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => undefined)
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${address}\r\n\r\n`)
  const first = await new Promise<string>((resolve) => {
    socket.once('readable', () => {
      const bytes = socket.read(64) as Buffer | null
      resolve(bytes === null ? 'refused' : bytes.toString('latin1'))
    })
    socket.once('close', () => resolve('refused'))
  })
  return {socket, first}
}

it('A2 a reader who takes all descriptors: connections are refused, no sound blob moves, and all works afterwards', async () => {
  const root = join(await tempDir(), 'root')
  const {address, log} = await serveWithFew(root, 100)
  const content = Buffer.alloc(20_000_000, 'sound')
  const {digest} = await pushBlob(address, 'team/a', content)
  const manifest = await makeManifest(address, 'team/a')
  expect((await putManifest(address, 'team/a/manifests/v1', manifest)).status).toBe(201)

  const path = `/v2/team/a/blobs/${digest}`
  const readers: Socket[] = []
  const firsts: string[] = []
  for (let count = 0; count < 200; count++) {
    const {socket, first} = await openSlowGet(address, path)
    readers.push(socket)
    firsts.push(first.startsWith('HTTP/1.1 ') ? first.slice(9, 12) : first)
  }
  expect(new Set(firsts)).toEqual(new Set(['200', 'refused']))
  // descriptors are left for files: nobody was let in without them
  expect(log()).not.toContain('too many open files')
  const late = await openSlowGet(address, '/v2/team/a/manifests/v1')
  expect(late.first).toBe('refused')
  for (const socket of readers) socket.destroy()

  const deadline = Date.now() + 30_000
  let got = await send(address, 'GET', path).catch(() => undefined)
  while (got?.status !== 200 && Date.now() < deadline)
    got = await send(address, 'GET', path).catch(() => undefined)
  expect([got?.status, got?.body.equals(content)]).toEqual([200, true])
  expect((await send(address, 'GET', '/v2/team/a/manifests/v1')).status).toBe(200)
  expect(await readdir(rootPaths.own(root))).not.toContain('quarantine')
})

it('A14 a root that vanishes, or is replaced, is 503 everywhere until it is back, and never recreated', async () => {
  const folder = await tempDir()
  const root = join(folder, 'root')
  const {address, end} = await serveCommand(root)
  const manifest = await makeManifest(address, 'team/a')
  expect((await putManifest(address, 'team/a/manifests/v1', manifest)).status).toBe(201)
  const layer = digestOf(Buffer.from('layer'))
  const requests = [
    ['GET', '/v2/'],
    ['GET', '/healthz'],
    ['GET', '/v2/_catalog'],
    ['GET', '/'],
    ['GET', '/v2/team/a/tags/list'],
    ['GET', `/v2/team/a/referrers/${digestOf(manifest)}`],
    ['GET', '/v2/team/a/manifests/v1'],
    ['HEAD', '/v2/team/a/manifests/v1'],
    ['GET', `/v2/team/a/blobs/${layer}`],
    ['HEAD', '/v2/team/none/manifests/v1'],
    ['POST', '/v2/team/b/blobs/uploads/'],
    ['POST', `/v2/team/b/blobs/uploads/?mount=${layer}&from=team/a`],
    ['POST', `/v2/team/b/blobs/uploads/?digest=${layer}`],
    ['PUT', '/v2/team/b/manifests/v1'],
    ['DELETE', '/v2/team/a/manifests/v1'],
  ] as const
  const statuses = async (): Promise<Set<number>> => {
    const found = new Set<number>()
    for (const [method, path] of requests) {
      const body =
        method === 'PUT' ? manifest : method === 'POST' ? Buffer.from('layer') : undefined
      const headers =
        method === 'PUT' ? {'content-type': 'application/vnd.oci.image.manifest.v1+json'} : {}
      found.add((await send(address, method, path, {headers, ...(body && {body})})).status)
    }
    return found
  }
  const available = async (): Promise<string | undefined> =>
    /^inject_root_available (.*)$/m.exec(
      (await send(address, 'GET', '/metrics')).body.toString(),
    )?.[1]
  expect(await available()).toBe('1')

  await rename(root, join(folder, 'away'))
  expect([...(await statuses())]).toEqual([503])
  expect(await available()).toBe('0')
  expect(await readdir(folder)).toEqual(['away'])
  // another folder in its place is not it either
  await mkdir(root)
  expect([...(await statuses())]).toEqual([503])
  expect(await readdir(root)).toEqual([])
  await rm(root, {recursive: true})
  await rename(join(folder, 'away'), root)
  expect((await send(address, 'GET', '/v2/team/a/manifests/v1')).status).toBe(200)
  expect((await send(address, 'GET', '/healthz')).status).toBe(200)
  expect(await available()).toBe('1')
  await pushBlob(address, 'team/b', 'more')
  expect(await end()).toBe(0)
})

it('A14 a repository whose folder of blobs has vanished is 503, and a push does not recreate that folder', async () => {
  const root = join(await tempDir(), 'root')
  const {address, end} = await serveCommand(root)
  const manifest = await makeManifest(address, 'team/a')
  expect((await putManifest(address, 'team/a/manifests/v1', manifest)).status).toBe(201)
  const directory = join(root, 'team/a')
  await rename(layoutPaths.blobs(directory), join(directory, '.away'))
  const layer = digestOf(Buffer.from('layer'))
  for (const [method, path] of [
    ['GET', `/v2/team/a/blobs/${layer}`],
    ['GET', '/v2/team/a/manifests/v1'],
    ['POST', `/v2/team/a/blobs/uploads/?digest=${layer}`],
  ] as const) {
    const body = method === 'POST' ? {body: Buffer.from('layer')} : {}
    expect([path, (await send(address, method, path, body)).status]).toEqual([path, 503])
  }
  expect(await readdir(directory)).not.toContain('blobs')
  await rename(join(directory, '.away'), layoutPaths.blobs(directory))
  expect((await send(address, 'GET', '/v2/team/a/manifests/v1')).status).toBe(200)
  // a whole repository that somebody removes is one that is not there
  await rm(directory, {recursive: true})
  expect((await send(address, 'GET', '/v2/team/a/manifests/v1')).status).toBe(404)
  expect(await end()).toBe(0)
})
