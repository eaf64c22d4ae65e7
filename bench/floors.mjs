// node floors.mjs WHAT DIR [URL]: does one part of the work and nothing else, and prints the
// seconds that it took. Imported: all of them for W1, in turn.
import {createHash} from 'node:crypto'
import {execFileSync} from 'node:child_process'
import {closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {promisify} from 'node:util'
import {constants, deflateRaw, gunzip, gzipSync} from 'node:zlib'
import {hashLayer} from '../dist/src/layer/pack/hash-layer.js'
import {walk} from '../dist/src/layer/tree/walk.js'
import {median, startRegistry, workFolder} from './parts.mjs'
import {makeWorkload} from './workload.mjs'

const self = fileURLToPath(import.meta.url)

/** What each does is a part of some row that cannot be left out, however the rest is done. */
const parts = {
  'read W1 and hash it as tar, one thread': async (tree) => {
    await timed(() => hashLayer(() => walk(tree, {path: '/'})))
  },
  'look at each file of W1 (lstat), read nothing': async (tree) => {
    const count = () => {
      const entries = walk(tree, {path: '/', detail: 'names'})
      while (!entries.next().done);
    }
    await timed(count)
  },
  'deflate W1 from memory at level 1, both threads': async (tree) => {
    const tar = archive(tree)
    const deflate = promisify(deflateRaw)
    const options = {level: 1, memLevel: 9, finishFlush: constants.Z_SYNC_FLUSH, chunkSize: 300_000}
    await timed(async () => {
      let at = 0
      const lane = async () => {
        for (; at < tar.length;) {
          const block = tar.subarray(at, (at += 256 * 1024))
          await deflate(block, options)
        }
      }
      await Promise.all([lane(), lane(), lane(), lane()])
    })
  },
  'inflate W1 from memory, one thread': async (tree) => {
    const bytes = gzipSync(archive(tree), {level: 1})
    await timed(() => promisify(gunzip)(bytes, {chunkSize: 1 << 20}))
  },
  'hash the tar of W1 from memory': async (tree) => {
    const tar = archive(tree)
    await timed(() => createHash('sha256').update(tar).digest('hex'))
  },
  'write the files of W1 from memory, one thread': async (tree) => {
    const files = readdirSync(tree, {recursive: true, withFileTypes: true}).filter((each) =>
      each.isFile(),
    )
    const out = `${tree}-out`
    const all = files.map(({parentPath, name}) => {
      const folder = join(out, parentPath.slice(tree.length))
      return {folder, path: join(folder, name), bytes: readFileSync(join(parentPath, name))}
    })
    for (const folder of new Set(all.map((each) => each.folder)))
      mkdirSync(folder, {recursive: true})
    await timed(() => {
      for (const {path, bytes} of all) {
        const handle = openSync(path, 'wx')
        writeSync(handle, bytes)
        closeSync(handle)
      }
    })
    rmSync(out, {recursive: true})
  },
  'start Node, load its HTTP client and ask eight times, one after the other': (_, url) => {
    const ask = `const {Agent, request} = require('node:http')
      const agent = new Agent({keepAlive: true})
      const next = (left) => left === 0 ? agent.destroy() : request('${url}/v2/', {agent}, (response) => response.resume().on('end', () => next(left - 1))).end()
      next(8)`
    return timed(() => execFileSync(process.execPath, ['-e', ask]))
  },
}

function archive(tree) {
  return execFileSync('tar', ['-C', tree, '-cf', '-', '.'], {maxBuffer: 2 ** 30})
}

async function timed(work) {
  const started = performance.now()
  await work()
  console.log((performance.now() - started) / 1000)
}

/** Seconds of each part, medians of `rounds` runs in turn. */
export async function floors(rounds = 3) {
  const folder = workFolder()
  const {address, child} = await startRegistry(folder)
  const tree = join(folder, 'tree')
  makeWorkload('W1', tree)
  const env = {...process.env}
  delete env['NODE_EXTRA_CA_CERTS']
  const seconds = Object.fromEntries(Object.keys(parts).map((what) => [what, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const what of Object.keys(parts)) {
      const args = [self, what, tree, `http://${address}`]
      const value = Number(execFileSync(process.execPath, args, {encoding: 'utf8', env}))
      if (round > 0) seconds[what].push(value)
    }
  }
  child.kill('SIGKILL')
  rmSync(folder, {recursive: true, force: true})
  return Object.entries(seconds).map(([what, list]) => ({what, seconds: median(list)}))
}

if (process.argv[1] === self) await parts[process.argv[2]](process.argv[3], process.argv[4])
