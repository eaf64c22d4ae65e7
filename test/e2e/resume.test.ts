import {execa} from 'execa'
import {randomFillSync} from 'node:crypto'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {fileURLToPath} from 'node:url'
import {describe, expect, inject as provided, it, onTestFinished} from 'vitest'
import {openRepositoryRoot} from '../../src/store/served/open-root.js'
import {startCuttingProxy} from '../support/cutting-proxy.js'
import {startDockerRegistry} from '../support/docker-registry.js'
import {makeDocuments} from '../support/images.js'
import {openRegistry, sourceOf} from '../support/open-registry.js'
import {serveRegistry} from '../support/served-registry.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'

const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url))
const MiB = 1024 * 1024
/** A sixteenth of it goes over one connection. */
const size = Number(process.env['INJECT_RESUME_BYTES'] ?? 64 * MiB)
const report = process.env['INJECT_RESUME_REPORT']
const timeout = 900_000

/** A directory of bytes that nothing compresses. */
async function makeTree(bytes = size): Promise<{folder: string; tree: string}> {
  const folder = await tempDir()
  const tree = join(folder, 'tree')
  mkdirSync(tree)
  const noise = Buffer.alloc(MiB)
  for (let written = 0; written < bytes; written += MiB)
    appendFileSync(join(tree, `noise-${Math.floor(written / (64 * MiB))}`), randomFillSync(noise))
  return {folder, tree}
}

async function serveImage() {
  const root = await openRepositoryRoot(join(await tempDir(), 'root'), {create: true})
  onTestFinished(() => root.close())
  const registry = await serveRegistry({root, sparse: true})
  await pushImage(registry.address)
  return registry
}

async function pushImage(address: string): Promise<void> {
  const {manifest, configBytes} = makeDocuments({layers: 0})
  const {store} = openRegistry(address)
  await store.putBlob(sourceOf(configBytes))
  await store.putManifest(manifest.bytes, manifest.descriptor.mediaType, {
    tags: [{tag: 'v1', from: undefined}],
  })
}

function startUpdate(address: string, folder: string, ...more: string[]) {
  const args = ['update', `${address}/team/app:v1`, join(folder, 'tree'), '--tag', 'v2', ...more]
  return execa(process.execPath, [program, ...args, '--json', '--progress', 'none'], {
    reject: false,
    extendEnv: false,
    timeout,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      NODE_COMPILE_CACHE: provided('codeCache'),
    },
  })
}

interface Updated {
  readonly digest: string
  readonly layer: {readonly digest: string; readonly size: number; readonly uploaded: boolean}
}

async function finished(run: ReturnType<typeof startUpdate>): Promise<Updated & {stderr: string}> {
  const {exitCode, stdout, stderr} = await run
  expect([exitCode, exitCode === 0 ? '' : `${stdout}${stderr}`]).toEqual([0, ''])
  return {...(JSON.parse(stdout) as Updated), stderr}
}

function journals(folder: string): string[] {
  const uploads = join(folder, '.cache/inject/uploads')
  return existsSync(uploads) ? readdirSync(uploads).filter((name) => name.endsWith('.json')) : []
}

function tell(what: string, value: number): void {
  if (report) appendFileSync(report, `${what}: ${value.toFixed(3)}\n`)
}

/** The same update without any trouble: the layer must be the same one, and so known already. */
async function expectSame(address: string, folder: string, {layer}: Updated): Promise<void> {
  const again = await finished(startUpdate(address, folder))
  expect(again.layer).toMatchObject({digest: layer.digest, uploaded: false})
}

describe('R5 an update over a connection that breaks again and again', () => {
  it('sends little twice', {timeout}, async () => {
    const {address} = await serveImage()
    const {folder} = await makeTree()
    const proxy = await startCuttingProxy(address, {every: size / 16})
    const begun = performance.now()
    const updated = await finished(startUpdate(proxy.address, folder))
    tell('seconds over a connection that breaks', (performance.now() - begun) / 1000)
    expect(proxy.cuts()).toBeGreaterThanOrEqual(15)
    const ratio = proxy.sent() / updated.layer.size
    tell('bytes sent over a connection that breaks, of those of the layer', ratio)
    expect(ratio).toBeLessThan(1.15)
    await expectSame(address, folder, updated)
    expect(journals(folder)).toEqual([])
  })
})

/** Starts an update and kills it when it has sent half of what there is. */
async function killHalfWay(proxy: {address: string; sent: () => number}, folder: string) {
  const run = startUpdate(proxy.address, folder)
  while (proxy.sent() < size / 2 || journals(folder).length === 0) await sleep(5)
  run.kill('SIGKILL')
  expect((await run).signal).toBe('SIGKILL')
  return proxy.sent()
}

describe('an update that was killed', () => {
  it('goes on where it was', {timeout}, async () => {
    const {address} = await serveImage()
    const {folder} = await makeTree()
    const proxy = await startCuttingProxy(address, {rate: size / 4})
    await killHalfWay(proxy, folder)
    const [name = ''] = journals(folder)
    const uploads = join(folder, '.cache/inject/uploads')
    expect(statSync(join(uploads, name)).mode & 0o777).toBe(0o600)
    expect(statSync(uploads).mode & 0o777).toBe(0o700)
    const updated = await finished(startUpdate(proxy.address, folder))
    expect(updated.stderr).toMatch(/resuming an earlier upload to .* at [\d.]+ MB\n/)
    const ratio = proxy.sent() / updated.layer.size
    tell('bytes sent in two runs, of those of the layer', ratio)
    expect(ratio).toBeLessThan(1.1)
    await expectSame(address, folder, updated)
    expect(journals(folder)).toEqual([])
  })

  it('starts again when the directory is another by then', {timeout}, async () => {
    const {address} = await serveImage()
    const {folder, tree} = await makeTree()
    const proxy = await startCuttingProxy(address, {rate: size / 2})
    await killHalfWay(proxy, folder)
    writeFileSync(join(tree, 'a-first'), 'something else')
    const updated = await finished(startUpdate(proxy.address, folder))
    expect(updated.stderr).toMatch(/cannot resume the earlier upload to .*; starting over/)
    await expectSame(address, folder, updated)
  })

  it('starts again without its journal, or when that cannot be read', {timeout}, async () => {
    const {address} = await serveImage()
    const {folder} = await makeTree()
    const proxy = await startCuttingProxy(address, {rate: size})
    await killHalfWay(proxy, folder)
    const path = join(folder, '.cache/inject/uploads', journals(folder)[0] ?? '')
    const left = readFileSync(path, 'utf8')
    expect(left).toContain('/v2/team/app/blobs/uploads/')
    const without = await finished(startUpdate(proxy.address, folder, '--no-resume'))
    expect(without.stderr).not.toMatch(/earlier run/)
    writeFileSync(path, left.slice(0, 40))
    writeFileSync(join(folder, 'tree', 'more'), 'more')
    const {stderr} = await finished(startUpdate(proxy.address, folder))
    expect(stderr).toMatch(/what an earlier run noted of an upload cannot be read/)
  })

  it('cancels the upload and forgets it when it is interrupted', {timeout}, async () => {
    const registry = await serveImage()
    const {folder} = await makeTree()
    const proxy = await startCuttingProxy(registry.address, {rate: size / 4})
    const run = startUpdate(proxy.address, folder)
    while (proxy.sent() < size / 2) await sleep(5)
    run.kill('SIGINT')
    expect((await run).exitCode).toBe(130)
    expect(registry.records).toContainEqual(
      expect.objectContaining({method: 'DELETE', status: 204}),
    )
    expect(journals(folder)).toEqual([])
  })
})

describeWith(['docker-registry'], 'R5 docker-registry, which cannot go on with an upload', () => {
  it.each([
    ['once, half way', 2, 1],
    ['again and again', 4, Infinity],
  ])('gets all of it though the connection breaks %s', {timeout}, async (_, parts, times) => {
    const {address} = await startDockerRegistry()
    await pushImage(address)
    const {folder} = await makeTree()
    const proxy = await startCuttingProxy(address, {every: size / parts, times})
    const updated = await finished(startUpdate(proxy.address, folder))
    expect(updated.stderr).toMatch(/broke off after [\d.]+ MB and cannot be resumed; starting over/)
    await expectSame(address, folder, updated)
  })

  it('starts again what was killed, and says so', {timeout}, async () => {
    const {address} = await startDockerRegistry()
    await pushImage(address)
    const {folder} = await makeTree()
    const proxy = await startCuttingProxy(address, {rate: size / 4})
    await killHalfWay(proxy, folder)
    const updated = await finished(startUpdate(proxy.address, folder))
    expect(updated.stderr).toMatch(
      /cannot resume the earlier upload to .*: the registry has lost it; starting over/,
    )
    await expectSame(address, folder, updated)
  })
})
