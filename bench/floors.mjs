// node floors.mjs WHAT DIR [URL]: does one part of the work and nothing else, and prints the
// seconds and CPU seconds that it took. Imported: all of them for R1, in turn.
import {createHash} from 'node:crypto'
import {execFileSync} from 'node:child_process'
import {once} from 'node:events'
import {
  closeSync,
  constants as flags,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs'
import {request} from 'node:http'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {promisify} from 'node:util'
import {crc32, gunzip, gzipSync} from 'node:zlib'
import {listAttributesSync} from '@napi-rs/xattr'
import {ownDeflate} from '../dist/src/layer/compress/codec.js'
import {median, program, startRegistry, workFolder} from './parts.mjs'
import {realTrees} from './real-trees.mjs'

const self = fileURLToPath(import.meta.url)
const KiB = 1024
/** Of the clock in /proc, in a second. */
const ticks = 100

/** What each does is a part of some row that cannot be left out, however the rest is done. */
const parts = {
  'list R1 and look at each name (readdir, lstat)': (tree) =>
    timed(() => {
      for (const {path} of namesIn(tree)) lstatSync(path, {bigint: true})
    }),
  'list R1, and open, look at, read and close each file': (tree) => {
    return timed(() => readEach(tree, {isCareful: false}))
  },
  'the same, and ask for its attributes, and look again when it was read': (tree) => {
    return timed(() => readEach(tree, {isCareful: true}))
  },
  'SHA-256 of the tar of R1 from memory': (tree) => {
    const tar = archive(tree)
    return timed(() => createHash('sha256').update(tar).digest('hex'))
  },
  'CRC-32 of it': (tree) => {
    const tar = archive(tree)
    return timed(() => crc32(tar))
  },
  'deflate it from memory by our own deflate, one thread': async (tree) => {
    const tar = archive(tree)
    const compress = await ownDeflate.start()
    await timed(async () => {
      for (let at = 0; at < tar.length; at += ownDeflate.rule.large)
        await compress(tar.subarray(at, at + ownDeflate.rule.large))
    })
  },
  'inflate it from memory by zlib, one thread': (tree) => {
    const bytes = gzipSync(archive(tree), {level: 1})
    return timed(() => promisify(gunzip)(bytes, {chunkSize: 1 << 20}))
  },
  'write the files of R1 from memory, one thread': async (tree) => {
    const out = `${tree}-out`
    const files = [...namesIn(tree)].filter(({isFile}) => isFile)
    const all = files.map(({path}) => ({
      path: join(out, path.slice(tree.length)),
      bytes: readFileSync(path),
    }))
    for (const {path} of all) mkdirSync(join(path, '..'), {recursive: true})
    await timed(() => {
      for (const {path, bytes} of all) {
        const handle = openSync(path, 'wx')
        writeSync(handle, bytes)
        closeSync(handle)
      }
    })
    rmSync(out, {recursive: true})
  },
  'remove the files of R1, one thread': async (tree) => {
    const copy = `${tree}-copy`
    execFileSync('cp', ['-a', tree, copy])
    await timed(() => rmSync(copy, {recursive: true}))
  },
  'send the layer of R1 from memory by node:http, and hash it': async (tree, url) => {
    const layer = gzipSync(archive(tree), {level: 1})
    const digest = createHash('sha256').update(layer).digest('hex')
    await timed(async () => {
      const started = await fetch(`${url}/v2/floors/blobs/uploads/`, {method: 'POST'})
      await started.arrayBuffer()
      const target = new URL(started.headers.get('location'), url)
      target.searchParams.set('digest', `sha256:${digest}`)
      const hash = createHash('sha256')
      const headers = {'content-length': layer.length}
      const upload = request(target, {method: 'PUT', headers, agent: false})
      for (let at = 0; at < layer.length; at += 256 * KiB) {
        const piece = layer.subarray(at, at + 256 * KiB)
        hash.update(piece)
        if (!upload.write(piece)) await once(upload, 'drain')
      }
      upload.end()
      const [response] = await once(upload, 'response')
      response.resume()
      if (response.statusCode !== 201) throw new Error(`status ${response.statusCode}`)
    })
  },
  'start inject and print its version': () =>
    timed(() => execFileSync(process.execPath, [program, '--version'])),
  'start Node, load its HTTP client and ask eight times, one after the other': (_, url) => {
    const ask = `const {Agent, request} = require('node:http')
      const agent = new Agent({keepAlive: true})
      const next = (left) => left === 0 ? agent.destroy() : request('${url}/v2/', {agent}, (response) => response.resume().on('end', () => next(left - 1))).end()
      next(8)`
    return timed(() => execFileSync(process.execPath, ['-e', ask]))
  },
}

function* namesIn(folder) {
  for (const entry of readdirSync(folder, {withFileTypes: true})) {
    const path = `${folder}/${entry.name}`
    yield {path, isFile: entry.isFile()}
    if (entry.isDirectory()) yield* namesIn(path)
  }
}

function readEach(tree, {isCareful}) {
  const buffer = Buffer.allocUnsafeSlow(16 * KiB * KiB)
  for (const {path, isFile} of namesIn(tree)) {
    if (!isFile) continue
    const handle = openSync(path, flags.O_RDONLY | flags.O_NOFOLLOW)
    const size = Number(fstatSync(handle, {bigint: true}).size)
    if (isCareful) listAttributesSync(path)
    for (let at = 0; at < size;) at += readSync(handle, buffer, 0, buffer.length, null)
    if (isCareful) fstatSync(handle, {bigint: true})
    closeSync(handle)
  }
}

function archive(tree) {
  return execFileSync('tar', ['-C', tree, '-cf', '-', '.'], {maxBuffer: 2 ** 30})
}

async function timed(work) {
  const [started, own, others] = [performance.now(), process.cpuUsage(), ofChildren()]
  await work()
  const {user, system} = process.cpuUsage(own)
  const seconds = (performance.now() - started) / 1000
  console.log(JSON.stringify({seconds, cpuSeconds: (user + system) / 1e6 + ofChildren() - others}))
}

/** CPU seconds of children that have ended. */
function ofChildren() {
  const fields = statOf('self')
  return (Number(fields[13]) + Number(fields[14])) / ticks
}

/** What follows the name of the program. */
function statOf(pid) {
  return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ')
}

/** CPU seconds of another process. */
function cpuOf(pid) {
  const fields = statOf(pid)
  return (Number(fields[11]) + Number(fields[12])) / ticks
}

/** Seconds of each part, medians of `rounds` runs in turn. */
export async function floors(rounds = 3) {
  const folder = workFolder()
  const {address, child} = await startRegistry(folder)
  const tree = join(folder, 'tree')
  realTrees.R1(tree)
  const env = {...process.env}
  delete env['NODE_EXTRA_CA_CERTS']
  const measured = Object.fromEntries(Object.keys(parts).map((what) => [what, []]))
  const stored = []
  for (let round = 0; round <= rounds; round++) {
    for (const what of Object.keys(parts)) {
      const args = [self, what, tree, `http://${address}`]
      const before = cpuOf(child.pid)
      const result = JSON.parse(execFileSync(process.execPath, args, {encoding: 'utf8', env}))
      if (round === 0) continue
      measured[what].push(result)
      if (what.startsWith('send ')) stored.push(cpuOf(child.pid) - before)
    }
  }
  child.kill('SIGKILL')
  rmSync(folder, {recursive: true, force: true})
  return [
    ...Object.entries(measured).map(([what, list]) => ({
      what,
      seconds: median(list.map(({seconds}) => seconds)),
      cpuSeconds: median(list.map(({cpuSeconds}) => cpuSeconds)),
    })),
    {what: 'docker-registry, while the layer is sent', cpuSeconds: median(stored)},
  ]
}

if (process.argv[1] === self) await parts[process.argv[2]](process.argv[3], process.argv[4])
