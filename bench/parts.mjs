import {execFileSync, spawn, spawnSync} from 'node:child_process'
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {createServer} from 'node:net'
import {availableParallelism, cpus, tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {packLayer} from '../dist/src/layer/pack/pack.js'
import {walk} from '../dist/src/layer/tree/walk.js'
import {openRegistryStore} from '../dist/src/registry/registry-store.js'

export const program = fileURLToPath(new URL('../bin/run.js', import.meta.url))

const folders = []
process.setMaxListeners(0)
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, {recursive: true, force: true})
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))

/**
 * A folder on memory where there is such a thing, so that the disk is not what is measured; removed
 * at the end.
 */
export function workFolder() {
  const base =
    process.env['BENCH_DIR'] ??
    (spawnSync('test', ['-w', '/dev/shm']).status === 0 ? '/dev/shm' : tmpdir())
  const folder = mkdtempSync(join(base, 'inject-bench-'))
  folders.push(folder)
  return folder
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const {port} = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Debian's docker-registry on loopback. */
export async function startRegistry(folder) {
  const port = await freePort()
  const config = join(folder, 'registry.yml')
  mkdirSync(join(folder, 'registry'), {recursive: true})
  writeFileSync(
    config,
    `version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: ${join(folder, 'registry')}}}\nhttp: {addr: '127.0.0.1:${port}'}\n`,
  )
  const child = spawn('docker-registry', ['serve', config], {stdio: 'ignore'})
  process.on('exit', () => child.kill('SIGKILL'))
  const address = `127.0.0.1:${port}`
  for (let i = 0; i < 100; i++) {
    if (
      await fetch(`http://${address}/v2/`).then(
        ({ok}) => ok,
        () => false,
      )
    )
      return {address, child}
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('docker-registry did not start')
}

/** Of docker-registry: where a blob is, or where a repository says that it has one. */
const blobPlace = '.*/(blobs/sha256/../|_layers/sha256/)[0-9a-f]{64}'

/**
 * Takes note of the blobs that the registry in `folder` has, and returns what removes all others,
 * so that each run has to send what it makes: a tool that looks first would send it once only.
 */
export function rememberBlobs(folder) {
  const root = join(folder, 'registry/docker/registry/v2')
  const places = () =>
    execFileSync('find', [root, '-regextype', 'posix-extended', '-type', 'd', '-regex', blobPlace])
      .toString()
      .split('\n')
      .filter(Boolean)
  const known = new Set(places())
  return () => {
    for (const place of places()) {
      if (!known.has(place)) rmSync(place, {recursive: true, force: true})
    }
  }
}

const bytesSource = (bytes) => ({
  open: async function* () {
    yield bytes
  },
})

/** A small image to update. */
export async function pushBaseImage(address, folder) {
  const root = join(folder, 'base')
  mkdirSync(join(root, 'etc'), {recursive: true})
  writeFileSync(join(root, 'etc/os-release'), 'NAME=bench\n')
  const store = await openRegistryStore({registry: address, repository: 'bench/app'}, {})
  const layer = packLayer(() => walk(root, {path: '/'}))
  const layerBlob = await store.putBlob(layer)
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: {},
      rootfs: {type: 'layers', diff_ids: [layer.content().diffId]},
      history: [{created_by: 'base'}],
    }),
  )
  const configBlob = await store.putBlob(bytesSource(config))
  const mediaType = 'application/vnd.oci.image.manifest.v1+json'
  const manifest = {
    schemaVersion: 2,
    mediaType,
    config: {
      mediaType: 'application/vnd.oci.image.config.v1+json',
      digest: configBlob.digest,
      size: configBlob.size,
    },
    layers: [
      {
        mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
        digest: layerBlob.digest,
        size: layerBlob.size,
      },
    ],
  }
  await store.putManifest(Buffer.from(JSON.stringify(manifest)), mediaType, {
    tags: [{tag: 'base', from: undefined}],
  })
  await store.close()
  return `${address}/bench/app:base`
}

/** Wall seconds, peak memory (bytes, of the largest process) and output of one command. */
export function measure(command, args, options = {}) {
  const report = join(options.folder ?? tmpdir(), `time-${process.pid}`)
  const started = process.hrtime.bigint()
  const {status, stdout, stderr} = spawnSync(
    '/usr/bin/time',
    ['-v', '-o', report, command, ...args],
    {encoding: 'utf8', maxBuffer: 1 << 26, ...options},
  )
  const seconds = Number(process.hrtime.bigint() - started) / 1e9
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${stderr}${stdout}`)
  const text = execFileSync('cat', [report], {encoding: 'utf8'})
  rmSync(report, {force: true})
  return {
    seconds,
    cpu: ['User', 'System'].reduce(
      (sum, kind) =>
        sum + Number(new RegExp(`${kind} time \\(seconds\\): ([\\d.]+)`).exec(text)?.[1]),
      0,
    ),
    peak: Number(/Maximum resident set size \(kbytes\): (\d+)/.exec(text)?.[1]) * 1024,
    stdout,
  }
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}

export function machine() {
  return {
    node: process.version,
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? '',
    date: new Date().toISOString().slice(0, 10),
  }
}
