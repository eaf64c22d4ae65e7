import {createHash, randomUUID} from 'node:crypto'
import {linkSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {ask} from './http-load.mjs'
import {measure, median, program, workFolder} from './parts.mjs'
import {row, startInject} from './serve.mjs'

const ociManifest = 'application/vnd.oci.image.manifest.v1+json'
const then = new Date(Date.now() - 7 * 86_400_000)

/** Collecting the garbage of 100,000 blobs and of twice as many, half of which some image needs. */
export async function gc({runs = 3, blobs = 100_000} = {}) {
  const results = {}
  for (let run = 0; run < runs; run++) {
    for (const count of [blobs, 2 * blobs]) {
      const folder = workFolder()
      makeRoot(folder, count)
      const {seconds, peak} = measure(
        process.execPath,
        [program, 'store', 'gc', folder, '--grace', '1s'],
        {folder: join(folder, '..')},
      )
      const left = readdirSync(join(folder, '.inject-root/pool/sha256')).length
      if (left !== count / 2) throw new Error(`${left} blobs of ${count} stayed`)
      ;(results[count] ??= []).push({seconds, peak})
      rmSync(folder, {recursive: true})
    }
  }
  const seconds = Object.fromEntries(
    Object.entries(results).map(([count, list]) => [count, median(list.map((run) => run.seconds))]),
  )
  const peak = Math.max(...Object.values(results).flatMap((list) => list.map((run) => run.peak)))
  const ratio = seconds[2 * blobs] / seconds[blobs]
  return {
    workload: {blobs: [blobs, 2 * blobs], imagesOf: 50, runs},
    seconds,
    peakMiB: peak / 1024 ** 2,
    rows: [row('gc of twice the blobs / gc', ratio, {atMost: 2.3})],
  }
}

/**
 * From the start to the first answers with 1,000 upload sessions that nobody goes on with, and with
 * twice as many: what there is, and a new upload beside them.
 */
export async function startup({runs = 5, sessions = 1000} = {}) {
  const results = {}
  for (let run = 0; run < runs; run++) {
    for (const count of [0, sessions, 2 * sessions]) {
      const folder = workFolder()
      makeRoot(folder, 100)
      makeSessions(join(folder, 'r0'), count)
      const start = performance.now()
      const {address, child} = await startInject(folder)
      const {status} = await ask(address, 'GET', '/v2/r0/tags/list')
      const ready = performance.now()
      const upload = await ask(address, 'POST', '/v2/r0/blobs/uploads/')
      const end = performance.now()
      if (status !== 200 || upload.status !== 202) throw new Error(`${status} ${upload.status}`)
      child.kill('SIGKILL')
      const result = {ready: (ready - start) / 1000, upload: (end - start) / 1000}
      ;(results[count] ??= []).push(result)
      rmSync(folder, {recursive: true})
    }
  }
  const medianOf = (what) =>
    Object.fromEntries(
      Object.entries(results).map(([count, list]) => [count, median(list.map((run) => run[what]))]),
    )
  const upload = medianOf('upload')
  return {
    workload: {staleUploads: [0, sessions, 2 * sessions], runs},
    seconds: {'to the first answer': medianOf('ready'), 'to the first new upload': upload},
    rows: [
      row('start with 1,000 stale uploads, seconds', upload[sessions], {atMost: 2}),
      row('twice the stale uploads', upload[2 * sessions] / upload[sessions], {atMost: 2.3}),
    ],
  }
}

/**
 * A root of repositories of 20,000 blobs each, a week old: images of 50 layers, and as much that
 * nothing refers to.
 */
function makeRoot(folder, count) {
  const pool = join(folder, '.inject-root/pool/sha256')
  mkdirSync(pool, {recursive: true})
  for (let made = 0, at = 0; made < count; at++) {
    const inThis = Math.min(20_000, count - made)
    makeRepository(join(folder, `r${at}`), pool, made, inThis)
    made += inThis
  }
}

function makeRepository(folder, pool, first, count) {
  const blobs = join(folder, 'blobs/sha256')
  mkdirSync(blobs, {recursive: true})
  const put = (text) => {
    const hex = createHash('sha256').update(text).digest('hex')
    writeFileSync(join(blobs, hex), text)
    utimesSync(join(blobs, hex), then, then)
    linkSync(join(blobs, hex), join(pool, hex))
    return {digest: `sha256:${hex}`, size: text.length}
  }
  const manifests = []
  for (let image = 0; image * 50 < count / 2; image++) {
    const parts = Array.from({length: 49}, (_, at) => put(`blob ${first} ${image} ${at}`))
    const layers = parts.slice(1).map((blob) => ({mediaType: 'x/layer', ...blob}))
    const config = {mediaType: 'x/config', ...parts[0]}
    const text = JSON.stringify({schemaVersion: 2, mediaType: ociManifest, config, layers})
    const annotations = {'org.opencontainers.image.ref.name': `v${image}`}
    manifests.push({mediaType: ociManifest, ...put(text), annotations})
  }
  for (let at = 0; at < count / 2; at++) put(`garbage ${first} ${at}`)
  writeFileSync(join(folder, 'index.json'), JSON.stringify({schemaVersion: 2, manifests}))
  writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
}

function makeSessions(folder, count) {
  const uploads = join(folder, '.inject-uploads')
  mkdirSync(uploads)
  for (let at = 0; at < count; at++) {
    const path = join(uploads, randomUUID())
    writeFileSync(path, Buffer.alloc(4096))
    utimesSync(path, then, then)
  }
}
