import {randomBytes} from 'node:crypto'
import {mkdirSync, rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {packLayer} from '../dist/src/layer/pack/pack.js'
import {walk} from '../dist/src/layer/tree/walk.js'
import {openRegistryStore} from '../dist/src/registry/registry-store.js'
import {measure, median, program, startRegistry, workFolder} from './parts.mjs'
import {row} from './serve.mjs'

const layerCount = 40
const layerBytes = 2_500_000
const filesOfLayer = 100

/**
 * What it costs to look into the layers of an image: `update --parents base` over `--parents dir`,
 * for an image of 40 layers with 100 MB in all, in turn, medians. `first` is without what earlier
 * runs remembered.
 */
export async function parents({runs = 11} = {}) {
  const folder = workFolder()
  const {address} = await startRegistry(folder)
  const image = await pushManyLayers(address, folder)
  const tree = join(folder, 'tree')
  fill(tree, 'usr/lib/python3/own', 200, 400_000)
  fill(tree, 'etc/own', 20, 40_000)
  const cache = join(folder, 'cache')
  const env = {...process.env, XDG_CACHE_HOME: cache}
  const run = (how, tag) =>
    measure(
      process.execPath,
      [program, 'update', image, tree, '--owner', '0:0', '--parents', how, '--tag', tag, '-q'],
      {folder, env},
    )
  const ways = ['dir', 'base']
  const first = {}
  for (const how of ways) {
    run(how, 'warm')
    // the code cache of Node stays: only what is known of layers goes
    rmSync(join(cache, 'inject', 'layers'), {recursive: true, force: true})
    first[how] = run(how, 'first').seconds
  }
  const cached = {dir: [], base: []}
  for (let round = -2; round < runs; round++) {
    for (const how of ways) {
      const {seconds, cpu} = run(how, `${how}${round + 2}`)
      if (round >= 0) cached[how].push({seconds, cpu})
    }
  }
  const seconds = (how) => median(cached[how].map((each) => each.seconds))
  const cpu = (how) => median(cached[how].map((each) => each.cpu))
  return {
    workload: {layers: layerCount, bytes: layerCount * layerBytes, runs},
    seconds: {first, cached: {dir: seconds('dir'), base: seconds('base')}},
    rows: [
      row('--parents base, layers known, over --parents dir', seconds('base') / seconds('dir'), {
        atMost: 1.2,
      }),
      row('the same in CPU seconds', cpu('base') / cpu('dir'), {}),
      row('--parents dir on the first run, over later ones', first.dir / seconds('dir'), {}),
      row('--parents base on the first run, over later ones', first.base / seconds('base'), {}),
    ],
  }
}

/** Half noise, half text, in files of one size. */
function fill(root, path, files, bytes) {
  const size = Math.floor(bytes / files)
  const text = Buffer.alloc(size / 2, 'all work and no play makes a dull layer\n')
  for (let at = 0; at < files; at++) {
    const folder = join(root, path, `d${at % 10}`)
    mkdirSync(folder, {recursive: true})
    writeFileSync(join(folder, `f${at}`), Buffer.concat([randomBytes(size / 2), text]))
  }
}

async function pushManyLayers(address, folder) {
  const store = await openRegistryStore({registry: address, repository: 'bench/many'}, {})
  const layers = []
  const diffIds = []
  for (let at = 0; at < layerCount; at++) {
    const root = join(folder, `layer${at}`)
    fill(root, at === 0 ? 'usr/lib/python3' : `usr/share/part${at}`, filesOfLayer, layerBytes)
    mkdirSync(join(root, 'etc'), {recursive: true})
    const source = packLayer(() => walk(root, {path: '/', owner: {uid: 0, gid: 0}}))
    const {digest, size} = await store.putBlob(source)
    const mediaType = 'application/vnd.oci.image.layer.v1.tar+gzip'
    layers.push({mediaType, digest, size})
    diffIds.push(source.content().diffId)
  }
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: {},
      rootfs: {type: 'layers', diff_ids: diffIds},
      history: diffIds.map((_, at) => ({created_by: `step ${at}`})),
    }),
  )
  const {digest, size} = await store.putBlob({
    async *open() {
      yield await Promise.resolve(config)
    },
  })
  const mediaType = 'application/vnd.oci.image.manifest.v1+json'
  const manifest = {
    schemaVersion: 2,
    mediaType,
    config: {mediaType: 'application/vnd.oci.image.config.v1+json', digest, size},
    layers,
  }
  await store.putManifest(Buffer.from(JSON.stringify(manifest)), mediaType, {
    tags: [{tag: 'base', from: undefined}],
  })
  await store.close()
  return `${address}/bench/many:base`
}
