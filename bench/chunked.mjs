// What an update of a zstd:chunked layer costs podman, CRI-O and bootc: pulls two versions of an
// image with their libraries (bench/chunked, in Go) and counts the bytes. As root, where overlay
// file systems can be mounted; needs Go and zstd. Also compares what we write with what those
// libraries write of the same tar.
//
//     node bench/chunked.mjs [FILES]
import {execFile} from 'node:child_process'
import {createHash, randomBytes} from 'node:crypto'
import {createServer, request as httpRequest} from 'node:http'
import {mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {promisify} from 'node:util'
import {openTable} from '../dist/src/layer/chunked/table.js'
import {readTocJson} from '../dist/src/layer/contents/read-toc.js'
import {tocPlace} from '../dist/src/layer/contents/toc-place.js'
import {fetchContent} from '../dist/src/layer/rebuild/fetched-content.js'
import {openLocalFiles} from '../dist/src/layer/rebuild/local-files.js'
import {planRebuild} from '../dist/src/layer/rebuild/plan-rebuild.js'
import {rebuiltTar} from '../dist/src/layer/rebuild/rebuilt-tar.js'
import {createRegistryServer} from '../dist/src/server/registry-server.js'
import {openRepositoryRoot} from '../dist/src/store/served/open-root.js'
import {makeOddTree} from './odd-tree.mjs'

const execute = promisify(execFile)
const mostRanges = 1024
const oddTrees = 10
const options = {encoding: 'buffer', maxBuffer: 2 ** 31}
const prefix = 'io.github.containers.zstd-chunked'
const type = 'application/vnd.oci.image.manifest.v1+json'
const count = Number(process.argv[2] ?? 30_000)
const folder = mkdtempSync(join(tmpdir(), 'inject-chunked-'))
const tree = join(folder, 'tree')
const program = join(folder, 'chunked')
const fileOf = (at) => join(tree, `opt/${at % 97}/file${at}`)

async function buildProgram() {
  const tags = 'containers_image_openpgp exclude_graphdriver_btrfs'
  const cwd = fileURLToPath(new URL('chunked', import.meta.url))
  await execute('go', ['build', '-tags', tags, '-o', program, '.'], {cwd, timeout: 900_000})
}

/** Half text, half noise, some 6 KiB each. */
function makeTree() {
  for (let at = 0; at < 97; at++) mkdirSync(join(tree, `opt/${at}`), {recursive: true})
  for (let at = 0; at < count; at++) {
    const noise = randomBytes(1000 + ((at * 7919) % 8000))
    writeFileSync(fileOf(at), at % 2 ? noise : noise.toString('hex'))
  }
}

/** A registry in this process, behind a proxy, that counts what it sends and is asked for. */
async function startServer() {
  const root = await openRepositoryRoot(join(folder, 'root'), {create: true})
  const seen = {bytes: 0, requests: 0}
  const asked = {ranges: 0}
  const log = ({sent}) => {
    seen.bytes += sent
    seen.requests++
  }
  const server = createRegistryServer({root, log})
  const {url: inner} = await server.listen()
  const proxy = createServer({maxHeaderSize: 1024 * 1024}, (request, response) => {
    const {method, url: path, headers} = request
    asked.ranges = Math.max(asked.ranges, headers.range?.split(',').length ?? 0)
    const onward = httpRequest(new URL(path, inner), {method, headers}, (answer) => {
      response.writeHead(answer.statusCode, answer.rawHeaders)
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  })
  await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${proxy.address().port}`
  const counted = async (work) => {
    asked.ranges = 0
    const before = {...seen}
    const start = performance.now()
    const result = await work()
    return {
      result,
      bytes: seen.bytes - before.bytes,
      requests: seen.requests - before.requests,
      ranges: asked.ranges,
      seconds: (performance.now() - start) / 1000,
    }
  }
  const close = async () => {
    proxy.close()
    proxy.closeAllConnections()
    await server.close(0)
    await root.close()
  }
  return {url, image: `${new URL(url).host}/team/app`, counted, close}
}

async function putBase(url) {
  const config = Buffer.from(
    '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}',
  )
  const digest = `sha256:${createHash('sha256').update(config).digest('hex')}`
  const blobs = `${url}/v2/team/app/blobs/uploads/?digest=${digest}`
  await fetch(blobs, {method: 'POST', body: config})
  const manifest = {
    schemaVersion: 2,
    mediaType: type,
    config: {mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: config.length},
    layers: [],
  }
  const body = JSON.stringify(manifest)
  const headers = {'content-type': type}
  await fetch(`${url}/v2/team/app/manifests/base`, {method: 'PUT', headers, body})
}

async function layerOf(url, tag) {
  const headers = {accept: type}
  const {layers} = await (await fetch(`${url}/v2/team/app/manifests/${tag}`, {headers})).json()
  return layers[0]
}

const sha256 = (path) => createHash('sha256').update(readFileSync(path)).digest('hex')
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`

/** Pulls into a store, and gives the image's ID and the digest of its layer as a tar. */
async function pull(store, kind, image) {
  mkdirSync(store, {recursive: true})
  const {stdout} = await execute(program, ['pull', store, kind, `docker://${image}`])
  const tar = join(folder, 'export.tar')
  await execute(program, ['export', store, image, tar])
  return {id: stdout.split('\n')[0], toc: /toc (\S*) diff/.exec(stdout)?.[1], tar: sha256(tar)}
}

/** Whether our table of contents and tar-split say what theirs say of the same tar. */
async function compareEncoders(url, layer) {
  const blob = join(folder, 'ours')
  const body = await (await fetch(`${url}/v2/team/app/blobs/${layer.digest}`)).arrayBuffer()
  writeFileSync(blob, Buffer.from(body))
  await execute('zstd', ['-t', '-q', blob])
  const tar = join(folder, 'layer.tar')
  await execute('zstd', ['-d', '-q', '-f', blob, '-o', tar])
  const theirs = join(folder, 'theirs')
  await execute(program, ['encode', tar, theirs])
  const stored = async (part) => {
    const [offset, length] = layer.annotations[`${prefix}.${part}-position`].split(':').map(Number)
    const path = join(folder, part)
    writeFileSync(path, readFileSync(blob).subarray(offset, offset + length))
    return (await execute('zstd', ['-d', '-q', '-c', path], options)).stdout
  }
  const rowsOf = (json) =>
    JSON.parse(json).entries.map(({offset, endOffset, ...row}) => ({
      ...row,
      hasContent: Boolean(offset) && (row.type === 'chunk' || endOffset > offset),
    }))
  const linesOf = (text) =>
    text
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
  const sorted = (rows) => rows.map((row) => JSON.stringify(row, Object.keys(row).sort()))
  const equal = (one, other) => sorted(one).join() === sorted(other).join()
  return {
    rebuilt: await rebuildTheirs(theirs, tar),
    toc: equal(rowsOf(await stored('manifest')), rowsOf(readFileSync(`${theirs}.toc`))),
    tarSplit: equal(linesOf(await stored('tarsplit')), linesOf(readFileSync(`${theirs}.split`))),
    size: statSync(blob).size,
    theirs: statSync(theirs).size,
  }
}

/**
 * Whether we put a layer of theirs together from the tree, and what of the layer that takes; and
 * from the layer alone.
 */
async function rebuildTheirs(theirs, tar) {
  const layer = readFileSync(theirs)
  const annotations = JSON.parse(readFileSync(`${theirs}.json`, 'utf8'))
  const place = tocPlace({size: layer.length, annotations})
  const part = (offset, length) => layer.subarray(offset, offset + length)
  const json = await readTocJson(place, layer.length, (...range) => Promise.resolve(part(...range)))
  const expected = sha256(tar)
  const nothing = join(folder, 'nothing')
  mkdirSync(nothing, {recursive: true})
  const signal = {throwIfAborted: () => undefined}
  const results = []
  for (const directory of [tree, nothing]) {
    const table = openTable(json, place.offset, 1_000_000)
    const localPath = ({path}) => path.replace(/\/$/, '')
    const sources = {table, files: openLocalFiles(directory), localPath}
    const plan = await planRebuild(sources, {fetched: Infinity, content: Infinity}, signal)
    let bytes = 0
    const fetched = fetchContent(
      plan.fetched,
      (ranges) => {
        for (const {length} of ranges) bytes += length
        return Promise.resolve(ranges.map(({offset, length}) => part(offset, length)))
      },
      {zstdWindow: 8 * 1024 * 1024},
    )
    const {offset, length} = place.tarSplit
    const hash = createHash('sha256')
    for await (const chunk of rebuiltTar({
      ...sources,
      tarSplit: part(offset, length),
      plan,
      fetched,
    }))
      hash.update(chunk)
    results.push(`${hash.digest('hex') === expected}, ${megabytes(bytes)} fetched`)
  }
  return results
}

/** 1,024 ranges to curl, compared byte by byte; and 10,000, which no server takes. */
async function askWithCurl(url, {digest, size}) {
  const address = `${url}/v2/team/app/blobs/${digest}`
  const file = join(folder, 'whole-blob')
  await execute('curl', ['-fsS', '-o', file, address])
  const blob = readFileSync(file)
  const ranges = Array.from({length: mostRanges}, (_, at) => {
    const first = Math.floor((at * size) / mostRanges)
    return [first, first + Math.floor(size / mostRanges / 2)]
  })
  const ask = async (list) => {
    const range = list.map((range) => range.join('-')).join()
    const files = ['-o', join(folder, 'parts'), '-D', join(folder, 'head')]
    await execute('curl', ['-sS', '--range', range, ...files, address])
    const head = readFileSync(join(folder, 'head'), 'latin1')
    return {head, body: readFileSync(join(folder, 'parts'))}
  }
  const {head, body} = await ask(ranges)
  const boundary = /boundary=(\S+)/.exec(head)?.[1]
  let at = 0
  const isRight = ranges.every(([first, last]) => {
    const start = body.indexOf(`content-range: bytes ${first}-${last}/${size}\r\n\r\n`, at)
    const content = body.indexOf('\r\n\r\n', start) + 4
    at = content + last - first + 1
    return start >= 0 && body.subarray(content, at).equals(blob.subarray(first, last + 1))
  })
  const isEnd = body.subarray(at).equals(Buffer.from(`\r\n--${boundary}--\r\n`))
  console.log(
    `${mostRanges} ranges to curl are right: ${isRight && isEnd} (${megabytes(body.length)})`,
  )
  const many = await ask(Array.from({length: 10_000}, (_, at) => [at * 2, at * 2]))
  console.log(`10,000 ranges to curl: ${many.head.split('\r\n')[0]}, ${many.body.length} B`)
}

async function main() {
  await buildProgram()
  const {url, image, counted, close} = await startServer()
  await putBase(url)
  makeTree()
  const run = fileURLToPath(new URL('../bin/run.js', import.meta.url))
  const update = (from, tag, compression) =>
    counted(() => {
      const how = ['--tag', tag, '--compression', compression, '-q', '--verify']
      return execute('node', [run, 'update', `${image}:${from}`, tree, ...how])
    })
  for (const compression of ['gzip', 'zstd', 'zstd:chunked']) {
    const tag = compression === 'zstd:chunked' ? 'v1' : compression
    const {seconds} = await update('base', tag, compression)
    const {size} = await layerOf(url, tag)
    console.log(`update, ${compression}: ${seconds.toFixed(2)} s, ${megabytes(size)}`)
  }
  const encoders = await compareEncoders(url, await layerOf(url, 'v1'))
  console.log(
    `table of contents equal: ${encoders.toc}, tar-split equal: ${encoders.tarSplit}; ours ${megabytes(encoders.size)}, theirs ${megabytes(encoders.theirs)}`,
  )
  console.log(`their layer put together from the tree: ${encoders.rebuilt[0]}`)
  console.log(`their layer put together from frames: ${encoders.rebuilt[1]}`)
  const odd = []
  for (let seed = 1; seed <= oddTrees; seed++) {
    rmSync(tree, {recursive: true, force: true})
    makeOddTree(tree, seed)
    await update('base', `odd${seed}`, 'zstd:chunked')
    const {toc, tarSplit, rebuilt} = await compareEncoders(url, await layerOf(url, `odd${seed}`))
    odd.push(toc && tarSplit && rebuilt.every((each) => each.startsWith('true')))
  }
  console.log(`${oddTrees} trees of every kind of entry are read alike: ${odd.every(Boolean)}`)
  rmSync(tree, {recursive: true, force: true})
  makeTree()
  await update('base', 'v1', 'zstd:chunked')
  writeFileSync(fileOf(4711 % count), randomBytes(5000))
  await update('v1', 'v2', 'zstd:chunked')

  // scattered, more of them than a request may have ranges
  const scattered = Math.min(count, 3000)
  for (let at = 0; at < scattered; at++)
    writeFileSync(fileOf(Math.floor((at * count) / scattered)), randomBytes(4000))
  await update('v2', 'v3', 'zstd:chunked')

  const store = join(folder, 'partial')
  const first = await counted(() => pull(store, 'partial', `${image}:v1`))
  const second = await counted(() => pull(store, 'partial', `${image}:v2`))
  const third = await counted(() => pull(store, 'partial', `${image}:v3`))
  const whole = await counted(() => pull(join(folder, 'whole'), 'whole', `${image}:v2`))
  const last = await counted(() => pull(join(folder, 'last'), 'whole', `${image}:v3`))
  for (const [name, row] of Object.entries({first, second, third, whole}))
    console.log(
      `${name} pull: ${megabytes(row.bytes)} in ${row.requests} requests of at most ${row.ranges} ranges, ${row.seconds.toFixed(2)} s`,
    )
  console.log(`second / first: ${((100 * second.bytes) / first.bytes).toFixed(2)} %`)
  console.log(`partial: ${Boolean(first.result.toc && second.result.toc)}`)
  const isSame = (key) =>
    second.result[key] === whole.result[key] && third.result[key] === last.result[key]
  console.log(`same image: ${isSame('id')}`)
  console.log(`same layer: ${isSame('tar')}`)
  await askWithCurl(url, await layerOf(url, 'v1'))
  await close()
}

await main().finally(() => rmSync(folder, {recursive: true, force: true}))
