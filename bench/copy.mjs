import {createHash} from 'node:crypto'
import {mkdirSync, readdirSync, rmSync} from 'node:fs'
import {join} from 'node:path'
import {openRegistryStore} from '../dist/src/registry/registry-store.js'
import {measure, median, program, startRegistry, workFolder} from './parts.mjs'

const MiB = 1024 * 1024
const mediaType = 'application/vnd.oci.image.manifest.v1+json'

/**
 * Bytes that nothing compresses, the same on every machine: each block is made of the one before
 * it.
 */
async function* noise(seed, blocks) {
  const block = Buffer.alloc(MiB)
  let hash = createHash('sha512').update(seed).digest()
  for (let at = 0; at < block.length; at += hash.length) {
    hash = createHash('sha512').update(hash).digest()
    hash.copy(block, at)
  }
  for (let i = 0; i < blocks; i++) {
    const copy = Buffer.from(block)
    copy.writeUInt32LE(i, 0)
    yield copy
  }
}

/**
 * An image of `layers` layers, `bytes` in all; they are plain, so that all programs take them as
 * they are. With another `tag` only the last layer is another one.
 */
export async function pushLargeImage(address, layers, bytes, tag = 'base') {
  const store = openRegistryStore({registry: address, repository: 'bench/app'}, {})
  const descriptors = []
  for (let i = 0; i < layers; i++) {
    const blocks = Math.round(bytes / layers / MiB)
    const {digest, size} = await store.putBlob({
      open: () => noise(i === layers - 1 ? `layer ${i} of ${tag}` : `layer ${i}`, blocks),
    })
    descriptors.push({mediaType: 'application/vnd.oci.image.layer.v1.tar', digest, size})
  }
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      rootfs: {type: 'layers', diff_ids: descriptors.map(({digest}) => digest)},
    }),
  )
  const blob = await store.putBlob({
    open: async function* () {
      yield config
    },
  })
  const manifest = {
    schemaVersion: 2,
    mediaType,
    config: {
      mediaType: 'application/vnd.oci.image.config.v1+json',
      digest: blob.digest,
      size: blob.size,
    },
    layers: descriptors,
  }
  await store.putManifest(Buffer.from(JSON.stringify(manifest)), mediaType, {
    tags: [{tag, from: undefined}],
  })
  await store.close()
}

/** Empties a registry's storage between two runs; its process goes on. */
function empty(folder) {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), {recursive: true, force: true})
}

/**
 * 1 GiB between two registries on this machine, against skopeo, in turn, medians; and within one
 * registry. INJECT_BENCH_BYTES and INJECT_BENCH_RUNS make it shorter.
 */
export async function copy() {
  const bytes = Number(process.env['INJECT_BENCH_BYTES'] ?? 1024 * MiB)
  const times = Number(process.env['INJECT_BENCH_RUNS'] ?? 7)
  const folder = workFolder()
  const [one, two] = ['one', 'two'].map((name) => join(folder, name))
  for (const each of [one, two]) mkdirSync(each)
  const {address: from} = await startRegistry(one)
  const {address: to} = await startRegistry(two)
  await pushLargeImage(from, 8, bytes)
  const [source, target] = [`${from}/bench/app:base`, `${to}/bench/app`]
  const tls = ['--src-tls-verify=false', '--dest-tls-verify=false']
  const skopeo = ['copy', '-q', '--insecure-policy', ...tls, `docker://${source}`]
  const runs = {inject: [], skopeo: []}
  for (let i = 0; i < times; i++) {
    const commands = {
      inject: [process.execPath, [program, 'copy', source, `${target}:inject`, '-q', '--json']],
      skopeo: ['skopeo', [...skopeo, `docker://${target}:skopeo`]],
    }
    // in turn, and each of them first as often as the other
    const order = Object.keys(commands)
    for (const name of i % 2 ? order.reverse() : order) {
      empty(join(two, 'registry'))
      runs[name].push(measure(...commands[name], {folder}))
    }
  }
  const within = measure(
    process.execPath,
    [program, 'copy', source, `${from}/bench/other:base`, '-q', '--json'],
    {folder},
  )
  const seconds = Object.fromEntries(
    Object.entries(runs).map(([name, list]) => [name, median(list.map((run) => run.seconds))]),
  )
  const peak = (list) => Math.max(...list.map((run) => run.peak)) / MiB
  return {
    workload: {bytes, layers: 8, runs: times},
    seconds: {...seconds, 'within one registry': within.seconds},
    ratios: {'copy / skopeo copy': seconds.inject / seconds.skopeo},
    sent: {'within one registry': JSON.parse(within.stdout).blobs.bytes},
    peakMiB: {inject: peak(runs.inject), skopeo: peak(runs.skopeo)},
    limits: {'copy / skopeo copy': 1.0, peakMiB: 150},
  }
}
