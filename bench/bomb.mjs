// How long the commands and the page take on an image whose slot label names 27,000 layers, all of
// which it has: the slowest document of the size that a config may have.
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {spawnSync} from 'node:child_process'
import {program, workFolder} from './parts.mjs'
import {row, startInject} from './serve.mjs'
import {configBomb} from '../test/support/slow-inputs.ts'

const rounds = 3

/** Seconds that the slowest of the rounds took. */
async function slowest(work) {
  const seconds = []
  for (let round = 0; round < rounds; round++) {
    const since = performance.now()
    await work()
    seconds.push((performance.now() - since) / 1000)
  }
  return Math.max(...seconds)
}

function run(args, expected) {
  const {status, stderr} = spawnSync(process.execPath, [program, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  })
  if (status !== expected) throw new Error(`inject ${args[0]} exited with ${status}: ${stderr}`)
}

/** Puts the image of the layout into a served folder, without its layers. */
async function push(layout, address) {
  const blob = (digest) => readFileSync(join(layout, 'blobs', digest.replace(':', '/')))
  const [{digest, mediaType}] = JSON.parse(readFileSync(join(layout, 'index.json'))).manifests
  const {config} = JSON.parse(blob(digest))
  const url = `http://${address}/v2/bomb`
  const {headers} = await fetch(`${url}/blobs/uploads/`, {method: 'POST'})
  const upload = new URL(headers.get('location'), url)
  upload.searchParams.set('digest', config.digest)
  const sent = [
    await fetch(upload, {method: 'PUT', body: blob(config.digest)}),
    await fetch(`${url}/manifests/v1`, {
      method: 'PUT',
      headers: {'content-type': mediaType},
      body: blob(digest),
    }),
  ]
  for (const {status} of sent)
    if (status !== 201) throw new Error(`the image was not taken: status ${status}`)
}

export async function bomb() {
  const folder = workFolder()
  const image = configBomb(folder)
  const tree = join(folder, 'tree')
  mkdirSync(tree)
  writeFileSync(join(tree, 'file'), 'content\n')
  const {address, child} = await startInject(join(folder, 'root'), '--sparse')
  await push(join(folder, 'images'), address)
  const page = async () => {
    const answer = await fetch(`http://${address}/repository/bomb:v1`)
    await answer.text()
    if (answer.status !== 200) throw new Error(`the page has the status ${answer.status}`)
  }
  const rows = [
    row('s: page', await slowest(page), {atMost: 0.5}),
    row('s: list', await slowest(() => run(['list', image], 0)), {atMost: 1}),
    row('s: inspect', await slowest(() => run(['inspect', image], 0)), {atMost: 1}),
    row('s: update', await slowest(() => run(['update', image, tree], 11)), {atMost: 2}),
  ]
  child.kill('SIGKILL')
  return {workload: {layers: 27_000, rounds}, rows}
}
