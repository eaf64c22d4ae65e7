import {createHash, randomBytes} from 'node:crypto'
import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {readFileSync, rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {createInterface} from 'node:readline'
import {ask, pull, push, requestRate, timesBeside} from './http-load.mjs'
import {median, program, startRegistry, workFolder} from './parts.mjs'

const MiB = 1024 * 1024
const blobSize = 1024 * MiB
export const repository = 'bench/app'
export const manifestType = 'application/vnd.oci.image.manifest.v1+json'

/** `inject serve` on loopback, when it is ready. */
export async function startInject(root, ...flags) {
  return startServing(program, root, ...flags)
}

/** The same of another checkout's program. */
export async function startServing(other, root, ...flags) {
  const args = [other, 'serve', root, '--listen', '127.0.0.1:0', '--log', 'none', ...flags]
  const child = spawn(process.execPath, args, {stdio: ['ignore', 'pipe', 'inherit']})
  process.on('exit', () => child.kill('SIGKILL'))
  const [url] = await once(createInterface({input: child.stdout}), 'line')
  return {address: new URL(url).host, child}
}

/**
 * `inject serve` against docker-registry: blobs of 1 GiB up and down, small manifests for 64
 * clients. In turn, medians.
 */
export async function serve({runs = 7} = {}) {
  const folder = workFolder()
  const inject = await startInject(join(folder, 'inject'))
  const registry = await startRegistry(folder)
  const servers = {inject: inject.address, 'docker-registry': registry.address}
  const forget = {
    inject: (digest) => ask(inject.address, 'DELETE', `/v2/${repository}/blobs/${digest}`),
    'docker-registry': (digest) => {
      const hex = digest.slice('sha256:'.length)
      const blobs = join(folder, 'registry/docker/registry/v2/blobs/sha256')
      rmSync(join(blobs, hex.slice(0, 2), hex), {recursive: true})
    },
  }
  const floor = await startFloor(folder)
  const seconds = {}
  const note = (what, who, value) => ((seconds[what] ??= {})[who] ??= []).push(value)

  for (let run = 0; run < runs; run++) {
    for (const mode of ['monolithic', 'streamed']) {
      const blob = makeBlob()
      for (const [who, address] of inTurn(servers, run)) {
        note(`push, ${mode}`, who, await push(address, repository, {...blob, mode}))
      }
      // short, so several times
      const path = `/v2/${repository}/blobs/${blob.digest}`
      for (let again = 0; again < 3; again++) {
        for (const [who, address] of inTurn(servers, run + again)) {
          note('pull', who, await pull(address, path, {hash: true}))
          note('pull, not verified by the client', who, await pull(address, path))
        }
      }
      for (const who of Object.keys(servers)) await forget[who](blob.digest)
    }
    note('pull', 'node:http with a file', await pull(floor.address, floor.blob, {hash: true}))
    const bare = await pull(floor.address, floor.blob)
    note('pull, not verified by the client', 'node:http with a file', bare)
  }

  const rates = {}
  const manifests = {}
  for (const [who, address] of Object.entries(servers)) manifests[who] = await pushImage(address)
  const load = {clients: 64, seconds: 4, accept: manifestType}
  for (let run = 0; run < runs; run++) {
    for (const [who, address] of inTurn(servers, run)) {
      for (const [what, reference] of Object.entries(manifests[who])) {
        const rate = await requestRate(address, `/v2/${repository}/manifests/${reference}`, load)
        ;((rates[what] ??= {})[who] ??= []).push(rate)
      }
    }
  }
  rates['manifest by tag']['node:http with bytes'] = [
    await requestRate(floor.address, floor.manifest, load),
  ]

  const last = makeBlob()
  await push(inject.address, repository, {...last, mode: 'streamed'})
  const lastPath = `/v2/${repository}/blobs/${last.digest}`
  const times = await timesBeside(inject.address, {
    path: lastPath,
    blob: lastPath,
    idle: 500,
    slow: 50,
    count: 1000,
  })
  const p99 = times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)]
  const peak = peakOf(inject.child)
  inject.child.kill('SIGKILL')
  // what another process has stored is read whole and hashed, once
  for (let run = 0; run < runs; run++) {
    const again = await startInject(join(folder, 'inject'))
    note('pull', 'inject, first after its start', await pull(again.address, lastPath, {hash: true}))
    again.child.kill('SIGKILL')
  }
  const medians = mapLeaves(seconds)
  const rateMedians = mapLeaves(rates)
  const ratios = {
    ...ratiosOf(medians, (ours, theirs) => theirs / ours),
    ...ratiosOf(rateMedians, (ours, theirs) => ours / theirs),
  }
  registry.child.kill('SIGKILL')
  floor.close()
  return {
    workload: {blob: blobSize, runs, clients: load.clients},
    seconds: medians,
    requestsPerSecond: rateMedians,
    peakMiB: peak,
    rows: [
      ...Object.entries(ratios).map(([what, ratio]) =>
        // what the client hashes bounds both: which of the two is a hair faster is chance
        row(`${what}: speed of inject serve / docker-registry`, ratio, {
          atLeast: what === 'pull' ? undefined : 1,
        }),
      ),
      row('HEAD beside 500 idle and 50 slow clients: 99 of 100 within, ms', p99, {atMost: 200}),
      row('peak memory of inject serve over all of it, MiB', peak, {atMost: 200}),
    ],
  }
}

/** The largest memory that a process has had, MiB. */
export function peakOf({pid}) {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  return Number(/VmHWM:\s*(\d+) kB/.exec(status)?.[1]) / 1024
}

/** One line of a report, with what it should be, if it should be something. */
export function row(what, value, {atLeast, atMost}) {
  const met = value >= (atLeast ?? -Infinity) && value <= (atMost ?? Infinity)
  return {what, value, ...(atLeast && {atLeast}), ...(atMost && {atMost}), met}
}

/** Not always the same one first. */
function inTurn(servers, run) {
  const entries = Object.entries(servers)
  return run % 2 === 0 ? entries : entries.reverse()
}

const noise = randomBytes(64 * MiB)

/** 1 GiB that nobody has seen before. */
function makeBlob() {
  randomBytes(32).copy(noise)
  const pieces = Array.from({length: blobSize / MiB}, (_, at) => {
    const start = (at * MiB) % noise.length
    return noise.subarray(start, start + MiB)
  })
  const hash = createHash('sha256')
  for (const piece of pieces) hash.update(piece)
  return {digest: `sha256:${hash.digest('hex')}`, size: blobSize, pieces}
}

/** A small image of two blobs; its tag and its digest. */
export async function pushImage(address) {
  const describe = async (mediaType, text) => {
    const digest = digestOf(text)
    const pieces = [Buffer.from(text)]
    await push(address, repository, {digest, size: text.length, pieces, mode: 'monolithic'})
    return {mediaType, digest, size: text.length}
  }
  const document = {
    schemaVersion: 2,
    mediaType: manifestType,
    config: await describe('application/vnd.oci.image.config.v1+json', '{"os":"linux"}'),
    layers: [await describe('application/vnd.oci.image.layer.v1.tar', 'a layer')],
    annotations: {note: 'x'.repeat(500)},
  }
  const body = JSON.stringify(document)
  const path = `/v2/${repository}/manifests/latest`
  const {status} = await ask(address, 'PUT', path, {headers: {'content-type': manifestType}, body})
  if (status !== 201) throw new Error(`PUT ${path} answered ${status}`)
  return {'manifest by tag': 'latest', 'manifest by digest': digestOf(body)}
}

/** What the clients and Node itself can do: a server that only sends a file, or some bytes. */
async function startFloor(folder) {
  const {digest, pieces} = makeBlob()
  const path = join(folder, 'floor')
  for (const piece of pieces) writeFileSync(path, piece, {flag: 'a'})
  const source = `
    const {createServer} = require('node:http')
    const {createReadStream} = require('node:fs')
    const manifest = Buffer.alloc(900, 32)
    createServer((request, response) => {
      if (request.url === '/manifest') {
        response.writeHead(200, {'content-length': manifest.length}).end(manifest)
        return
      }
      response.writeHead(200, {'content-length': ${blobSize}})
      createReadStream(${JSON.stringify(path)}, {highWaterMark: 256 * 1024}).pipe(response)
    }).listen(0, '127.0.0.1', function () { console.log(this.address().port) })`
  const child = spawn(process.execPath, ['-e', source], {stdio: ['ignore', 'pipe', 'inherit']})
  process.on('exit', () => child.kill('SIGKILL'))
  const [port] = await once(createInterface({input: child.stdout}), 'line')
  return {
    address: `127.0.0.1:${port}`,
    blob: `/${digest}`,
    manifest: '/manifest',
    close: () => child.kill('SIGKILL'),
  }
}

function mapLeaves(table) {
  return Object.fromEntries(
    Object.entries(table).map(([what, values]) => [
      what,
      Object.fromEntries(Object.entries(values).map(([who, list]) => [who, median(list)])),
    ]),
  )
}

function ratiosOf(medians, ratio) {
  return Object.fromEntries(
    Object.entries(medians).map(([what, values]) => [
      what,
      ratio(values.inject, values['docker-registry']),
    ]),
  )
}

function digestOf(text) {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}
