import {execFileSync, spawn, spawnSync} from 'node:child_process'
import {randomBytes} from 'node:crypto'
import {mkdirSync, rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {openRegistryStore} from '../dist/src/registry/registry-store.js'
import {measure, program, startRegistry, workFolder} from './parts.mjs'
import {peers} from './peers.mjs'
import {row} from './serve.mjs'

const MiB = 1024 * 1024

/**
 * `npm run bench -- fleet [IMAGES [REGISTRY]]`: an apply of a slot of 100 MB to 1,000 repositories,
 * the run after it, and a loop of crane append over some of them, on docker-registry and inject
 * serve.
 */
export async function fleet([count = '1000', only] = []) {
  const images = Number(count)
  const results = {}
  const rows = []
  for (const [name, start] of [
    ['docker-registry', startRegistry],
    ['inject-serve', startServe],
  ]) {
    if (only !== undefined && name !== only) continue
    const folder = workFolder()
    const {address, child} = await start(folder)
    const names = await putVendors(address, images)
    mkdirSync(join(folder, 'certs'))
    for (let at = 0; at < 100; at++)
      writeFileSync(join(folder, 'certs', `file-${at}`), randomBytes(MiB))
    const file = join(folder, 'fleet.yaml')
    const slots = [{name: 'certs', source: './certs', path: '/etc/ssl/certs'}]
    const fleetOf = (list) => writeFileSync(file, JSON.stringify({images: list, slots}))
    fleetOf(names.map((each) => `${address}/${each}:v1`))
    const env = {...process.env, HOME: folder, XDG_CACHE_HOME: join(folder, 'cache')}
    env.TMPDIR = folder
    const apply = () => {
      const args = [program, 'apply', '-f', file, '--json', '-q']
      const run = measure(process.execPath, args, {folder, env})
      return {...run, report: JSON.parse(run.stdout)}
    }
    const [first, second] = [apply(), apply()]
    const single = first.report.outcomes.filter(({reference}) => !isIndex(reference))
    const requests = single.reduce((sum, each) => sum + each.requests, 0) / single.length
    const {bytesSent, layersPacked} = first.report.costs
    const sample = Math.min(5, images)
    const loop = hasCrane() ? craneLoop(address, names.slice(0, sample), folder) : undefined
    const scaled = loop && (loop.seconds / sample) * images
    results[name] = {
      totals: first.report.totals,
      costs: first.report.costs,
      first: {seconds: first.seconds, peakMiB: first.peak / MiB},
      second: {
        seconds: second.seconds,
        totals: second.report.totals,
        costs: second.report.costs,
      },
      ...(loop && {craneLoop: {sample, ...loop}}),
    }
    rows.push(
      row(`${name}: seconds of apply`, first.seconds, {atMost: 60}),
      row(`${name}: peak MiB`, first.peak / MiB, {atMost: 250}),
      row(`${name}: layers packed`, layersPacked, {atMost: 1}),
      row(`${name}: times the layer was sent, not mounted`, layersSent(first.report, images), {
        atMost: 1.01,
      }),
      row(`${name}: MB sent, with configs and manifests`, bytesSent / 1e6, {}),
      row(`${name}: requests of a single image`, requests, {atMost: 9}),
      row(`${name}: seconds of the second run`, second.seconds, {atMost: 10}),
      row(
        `${name}: requests of the second run for each image`,
        second.report.costs.requests / images,
        {atMost: 2},
      ),
      row(`${name}: bytes of the second run`, second.report.costs.bytesSent, {atMost: 0}),
      ...(loop
        ? [
            row(`${name}: time over that of a loop of crane append`, first.seconds / scaled, {
              atMost: 0.1,
            }),
            row(
              `${name}: bytes over those of the layer for each image, as the loop sends it`,
              bytesSent / ((loop.bytes / sample) * images),
              {atMost: 0.002},
            ),
          ]
        : []),
    )
    child.kill('SIGKILL')
    rmSync(folder, {recursive: true, force: true})
  }
  return {images, results, rows}
}

/** `inject serve` on loopback. */
async function startServe(folder) {
  const args = [program, 'serve', join(folder, 'root'), '--listen', '127.0.0.1:0']
  const child = spawn(process.execPath, args, {stdio: ['ignore', 'pipe', 'ignore']})
  process.on('exit', () => child.kill('SIGKILL'))
  const [line] = await new Promise((resolve) =>
    child.stdout.once('data', (data) => resolve(data.toString().split('\n'))),
  )
  return {address: new URL(line).host, child}
}

const isIndex = (reference) => Number(/r(\d+):/.exec(reference)?.[1]) % 20 === 19

/** Small images of ten bases, Docker's and OCI's in turn; every 20th an index of four platforms. */
async function putVendors(address, count) {
  const names = Array.from({length: count}, (_, at) => `base/r${String(at).padStart(4, '0')}`)
  const blobOf = (bytes) => ({
    async *open() {
      yield bytes
    },
  })
  const put = async (name, at) => {
    const store = openRegistryStore({registry: address, repository: name}, {writes: true})
    const isOci = at % 2 === 0
    const type = isOci ? 'application/vnd.oci.image' : 'application/vnd.docker'
    const mediaTypes = isOci
      ? {
          manifest: `${type}.manifest.v1+json`,
          config: `${type}.config.v1+json`,
          layer: `${type}.layer.v1.tar`,
        }
      : {
          manifest: `${type}.distribution.manifest.v2+json`,
          config: `${type}.container.image.v1+json`,
          layer: `${type}.image.rootfs.diff.tar`,
        }
    const image = async (architecture, tag) => {
      const layer = await store.putBlob(blobOf(Buffer.alloc(10_240)))
      const config = await store.putBlob(
        blobOf(
          Buffer.from(
            JSON.stringify({
              architecture,
              os: 'linux',
              created: '2024-01-01T00:00:00Z',
              config: {Labels: {base: `b${at % 10}`, name}},
              rootfs: {type: 'layers', diff_ids: [layer.digest]},
              history: [{created_by: 'base'}],
            }),
          ),
        ),
      )
      const part = (mediaType, {digest, size}) => ({mediaType, digest, size})
      const bytes = Buffer.from(
        JSON.stringify({
          schemaVersion: 2,
          mediaType: mediaTypes.manifest,
          config: part(mediaTypes.config, config),
          layers: [part(mediaTypes.layer, layer)],
        }),
      )
      const tags = tag ? [{tag, from: undefined}] : []
      return store.putManifest(bytes, mediaTypes.manifest, {tags})
    }
    if (at % 20 === 19) {
      const list = isOci ? `${type}.index.v1+json` : `${type}.distribution.manifest.list.v2+json`
      const manifests = []
      for (const architecture of ['amd64', 'arm64', 's390x', 'ppc64le'])
        manifests.push({...(await image(architecture)), platform: {os: 'linux', architecture}})
      const bytes = Buffer.from(JSON.stringify({schemaVersion: 2, mediaType: list, manifests}))
      await store.putManifest(bytes, list, {tags: [{tag: 'v1', from: undefined}]})
    } else await image('amd64', 'v1')
    await store.close()
  }
  for (let at = 0; at < names.length; at += 20)
    await Promise.all(names.slice(at, at + 20).map((name, i) => put(name, at + i)))
  return names
}

/** How many images the layer was not mounted for. */
function layersSent({costs: {bytesMounted}}, images) {
  const layerSize = 100 * MiB
  return images - Math.floor(bytesMounted / layerSize)
}

const hasCrane = () => spawnSync('sh', ['-c', 'command -v crane']).status === 0

/** What a shell loop costs. */
function craneLoop(address, names, folder) {
  const started = process.hrtime.bigint()
  for (const name of names) {
    const command = peers.crane.replace(':base"', ':v1"')
    execFileSync(
      'sh',
      ['-c', command, 'sh', `${address}/${name}`, join(folder, 'certs'), 'crane', folder],
      {
        stdio: 'ignore',
      },
    )
  }
  const seconds = Number(process.hrtime.bigint() - started) / 1e9
  // crane knows nothing of other repositories: it sends the layer to each
  return {seconds, bytes: names.length * 100 * MiB}
}
