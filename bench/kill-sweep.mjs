// node bench/kill-sweep.mjs [--clients N] [--servers N] (default 300 and 60; needs `npm run build`,
// root): kills runs of the built program at random moments with SIGKILL, each in a container of its
// own process ids and host name, and looks after each: the tag names the old or the new image with
// every blob present and right, DIR is the old or the new tree, the next run succeeds within 45 s;
// `kept` counts temporary files and folders of other containers that it did not clear. Writes
// bench/results/kill-sweep.json; exits with 1 when any of it does not hold. SEED=N repeats a sweep.
import {spawn, spawnSync} from 'node:child_process'
import {createHash} from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {createInterface} from 'node:readline'
import {fileURLToPath} from 'node:url'

const program = fileURLToPath(new URL('../bin/run.js', import.meta.url))
const longestBlock = 45_000
const numberOf = (flag, usual) => {
  const at = process.argv.indexOf(flag)
  return at < 0 ? usual : Number(process.argv[at + 1])
}
const clients = numberOf('--clients', 300)
const servers = numberOf('--servers', 60)
let seed = Number(process.env['SEED'] ?? Date.now() % 100_000)
const firstSeed = seed
const random = () => {
  seed = (seed * 1_664_525 + 1_013_904_223) % 2 ** 32
  return seed / 2 ** 32
}

const folder = mkdtempSync(join(tmpdir(), 'inject-kill-'))
process.on('exit', () => rmSync(folder, {recursive: true, force: true}))
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))
const temporary = join(folder, 'tmp')
mkdirSync(temporary)
const env = {PATH: process.env['PATH'], HOME: join(folder, 'home'), TMPDIR: temporary}
mkdirSync(env.HOME)
const problems = []
const note = (what) => {
  problems.push(what)
  console.error(`PROBLEM ${what}`)
}

/**
 * Starts the program in a container: process 1 of its own process ids, under a host name of its
 * own.
 */
let containers = 0
function start(args) {
  const host = `container-${++containers}`
  const inside = 'hostname "$1"; shift; exec "$@"'
  const words = ['sh', '-c', inside, 'sh', host, process.execPath, program, ...args]
  const how = ['--pid', '--fork', '--uts', '--mount-proc', '--kill-child=SIGKILL']
  const child = spawn('unshare', [...how, ...words], {env, stdio: ['ignore', 'pipe', 'pipe']})
  let stderr = ''
  child.stderr.on('data', (chunk) => (stderr += chunk))
  const ended = new Promise((resolve) => child.once('close', resolve))
  return {child, ended, stderr: () => stderr, stdout: child.stdout}
}

/** Runs the program in a container to its end. */
async function run(args) {
  const begun = performance.now()
  const {ended, stderr, stdout} = start(args)
  let text = ''
  stdout.on('data', (chunk) => (text += chunk))
  return {
    code: await ended,
    milliseconds: performance.now() - begun,
    stdout: text,
    stderr: stderr(),
  }
}

async function must(args) {
  const result = await run(args)
  if (result.code !== 0)
    throw new Error(`inject ${args.join(' ')}: ${result.code} ${result.stderr}`)
  return result
}

/**
 * Runs until it succeeds; how long that took. A command that succeeds only later than allowed is a
 * problem.
 */
async function untilDone(args, what) {
  const begun = performance.now()
  let last
  while (performance.now() - begun < 4 * longestBlock) {
    last = await run(args)
    if (last.code === 0) break
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  const milliseconds = performance.now() - begun
  if (last.code !== 0 || milliseconds > longestBlock)
    note(
      `${what}: the next run was blocked for ${Math.round(milliseconds)} ms (exit ${last.code}): ${last.stderr.trim().split('\n').at(-1)}`,
    )
  return milliseconds
}

/** One file in ten has content of its own; the others are those of every tree. */
function makeTree(name, count, size) {
  const tree = join(folder, name)
  for (let i = 0; i < count; i++) {
    mkdirSync(join(tree, `d${i % 10}`), {recursive: true})
    const of = i % 10 === 3 ? name : 'all'
    let text = ''
    for (let line = 0; text.length < size; line++)
      text += `${of} ${createHash('sha256').update(`${of}${i} ${line}`).digest('hex')}\n`
    writeFileSync(join(tree, `d${i % 10}`, `f${i}`), text)
  }
  return tree
}

/** In turns, so that `unpack` puts layers together from DIR and parts of them, too. */
const compressions = ['gzip', 'zstd:chunked']
const compressed = (i) => ['--compression', compressions[Math.floor(i / 4) % 2]]

const sameTree = (one, other) =>
  spawnSync('diff', ['-rq', '--no-dereference', one, other]).status === 0

/**
 * The tag's digest, when every blob below it is in the layout and has the bytes that its digest
 * names.
 */
function completeImage(layout, tag, what) {
  const blob = ({digest, size}) => {
    const [algorithm, hex] = digest.split(':')
    const bytes = readFileSync(join(layout, 'blobs', algorithm, hex))
    const found = createHash(algorithm).update(bytes).digest('hex')
    if (found !== hex || (size !== undefined && bytes.length !== size))
      throw new Error(`${digest} is damaged`)
    return bytes
  }
  try {
    const {manifests} = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8'))
    const entry = manifests.find(
      (each) => each.annotations?.['org.opencontainers.image.ref.name'] === tag,
    )
    if (!entry) throw new Error(`no tag ${tag}`)
    const manifest = JSON.parse(blob(entry))
    for (const descriptor of [manifest.config, ...manifest.layers]) blob(descriptor)
    return entry.digest
  } catch (error) {
    note(`${what}: ${error.message}`)
    return undefined
  }
}

/**
 * Files that a finished run must not leave: whatever is not the layout's own, beside DIR, or in the
 * temporary folder.
 */
function leftovers(places) {
  return places.flatMap(({at, allowed}) =>
    existsSync(at)
      ? readdirSync(at)
          .filter((name) => !allowed.test(name))
          .map((name) => join(at, name))
      : [],
  )
}

const duration = (values) => ({
  runs: values.length,
  medianMs: Math.round([...values].sort((a, b) => a - b)[values.length >> 1] ?? 0),
  maximumMs: Math.round(Math.max(0, ...values)),
})

async function killAfter({child, ended}, milliseconds) {
  setTimeout(() => child.kill('SIGKILL'), milliseconds)
  const code = await ended
  return code === null
}

const layout = join(folder, 'layout')
const trees = [makeTree('old', 400, 4096), makeTree('new', 400, 4096)]
const out = join(folder, 'out')
mkdirSync(out)
const dir = join(out, 'DIR')
const layoutPlaces = [
  {at: layout, allowed: /^(?:blobs|index\.json|oci-layout)$/},
  {at: join(layout, 'blobs/sha256'), allowed: /^[0-9a-f]{64}$/},
  {at: out, allowed: /^DIR$/},
  {at: temporary, allowed: /^(?:node-compile-cache)$/},
]

async function sweepClients(image) {
  let kept = 0
  const waits = {update: [], unpack: []}
  let killed = 0
  let at = 0
  const usual = {}
  for (const verb of ['update', 'unpack']) {
    // how long an undisturbed run takes, so that kills fall on all of it
    const args = verb === 'update' ? ['update', image, trees[1]] : ['unpack', '--force', image, dir]
    usual[verb] = (await must(args)).milliseconds
  }
  await must(['update', image, trees[at]])
  for (let i = 0; i < clients; i++) {
    const verb = i % 2 === 0 ? 'update' : 'unpack'
    const what = `${verb} ${i}`
    const next = 1 - at
    if (verb === 'update') {
      const old = completeImage(layout, 'v1', what)
      const args = ['update', image, trees[next], ...compressed(i)]
      if (await killAfter(start(args), random() * usual.update * 1.05)) killed++
      const now = completeImage(layout, 'v1', what)
      waits.update.push(await untilDone(args, what))
      const after = completeImage(layout, 'v1', what)
      if (now !== old && now !== after)
        note(`${what}: the tag is neither the old image nor the new one`)
      at = next
    } else {
      // DIR is the other tree before, and this one after
      const args = ['unpack', '--force', image, dir]
      if (await killAfter(start(args), random() * usual.unpack * 1.05)) killed++
      if (!existsSync(dir) || !trees.some((tree) => sameTree(tree, dir)))
        note(`${what}: DIR is ${existsSync(dir) ? 'mixed' : 'gone'}`)
      waits.unpack.push(await untilDone(args, what))
      if (!sameTree(trees[at], dir)) note(`${what}: the next run left another DIR`)
    }
    const left = leftovers(layoutPlaces)
    // the next run is in another container, and cannot ask whether their owner lives: they go after
    // a day
    kept += left.length
    for (const path of left) rmSync(path, {recursive: true})
    if (problems.length > 20) break
  }
  return {killed, kept, next: {update: duration(waits.update), unpack: duration(waits.unpack)}}
}

/** Starts `serve`; its address when it is ready, else `undefined` with its code. */
async function startServer(root) {
  const server = start(['serve', root, '--listen', '127.0.0.1:0', '--log', 'none'])
  const line = new Promise((resolve) =>
    createInterface({input: server.stdout}).once('line', resolve),
  )
  const first = await Promise.race([line, server.ended.then(() => undefined)])
  return {...server, address: typeof first === 'string' ? new URL(first).host : undefined}
}

async function sweepServers(root) {
  const waits = []
  let at = 0
  for (let i = 0; i < servers; i++) {
    const what = `serve ${i}`
    const begun = performance.now()
    let server
    do {
      server = await startServer(root)
      if (server.address) break
      await new Promise((resolve) => setTimeout(resolve, 500))
    } while (performance.now() - begun < 4 * longestBlock)
    if (!server.address) {
      note(
        `${what}: serve does not start again within ${(4 * longestBlock) / 1000} s: ${server.stderr().trim()}`,
      )
      return {killed: i, next: duration([...waits, performance.now() - begun])}
    }
    const image = `${server.address}/app:v1`
    // a start is done when a push succeeds, too: a lock of a repository may be left as well
    await untilDone(['update', image, trees[at]], what)
    if (i > 0) waits.push(performance.now() - begun)
    if (performance.now() - begun > longestBlock)
      note(`${what}: blocked for ${Math.round(performance.now() - begun)} ms`)
    const old = completeImage(join(root, 'app'), 'v1', what)
    const next = 1 - at
    const push = start(['update', image, trees[next], '--retry-times', '0'])
    push.stdout.resume()
    await new Promise((resolve) => setTimeout(resolve, random() * 700))
    server.child.kill('SIGKILL')
    await server.ended
    const code = await push.ended
    const now = completeImage(join(root, 'app'), 'v1', what)
    if (code === 0 && now === old) note(`${what}: a push that succeeded is lost`)
    at = code === 0 ? next : at
    if (problems.length > 20) break
  }
  return {killed: servers, next: duration(waits)}
}

if (
  process.getuid() !== 0 ||
  spawnSync('unshare', ['--pid', '--fork', '--uts', '--mount-proc', 'true']).status !== 0
) {
  console.error(
    'kill-sweep: needs root, and a kernel that lets it make containers (unshare --pid --uts --mount-proc)',
  )
  process.exit(1)
}
// a base image: an empty layout with one small layer, by the library that is built beside the
// program
const {openLayoutStore} = await import('../dist/src/store/layout/layout-store.js')
const {packLayer} = await import('../dist/src/layer/pack/pack.js')
const {walk} = await import('../dist/src/layer/tree/walk.js')
mkdirSync(join(folder, 'base/etc'), {recursive: true})
const store = await openLayoutStore(layout, {create: true})
const layer = packLayer(() => walk(join(folder, 'base'), {path: '/'}))
const {digest, size} = await store.putBlob(layer)
const types = 'application/vnd.oci.image'
const source = (bytes) => ({
  open: async function* () {
    yield bytes
  },
})
const config = Buffer.from(
  JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    config: {},
    rootfs: {type: 'layers', diff_ids: [layer.content().diffId]},
    history: [{created_by: 'base'}],
  }),
)
const stored = await store.putBlob(source(config))
const manifest = {
  schemaVersion: 2,
  mediaType: `${types}.manifest.v1+json`,
  config: {mediaType: `${types}.config.v1+json`, digest: stored.digest, size: stored.size},
  layers: [{mediaType: `${types}.layer.v1.tar+gzip`, digest, size}],
}
await store.putManifest(Buffer.from(JSON.stringify(manifest)), manifest.mediaType, {
  tags: [{tag: 'v1', from: undefined}],
})
await store.close()
const root = join(folder, 'root')
mkdirSync(root)
const first = await startServer(root)
await must(['copy', `oci:${layout}:v1`, `${first.address}/app:v1`])
// unshare itself does not listen to SIGTERM
const {pid} = first.child
process.kill(Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')), 'SIGTERM')
await first.ended

const result = {seed: firstSeed, date: new Date().toISOString().slice(0, 10), limitMs: longestBlock}
if (clients > 0) result.clients = await sweepClients(`oci:${layout}:v1`)
if (servers > 0) result.servers = await sweepServers(root)
result.problems = problems
console.log(JSON.stringify(result, null, 2))
writeFileSync(
  new URL('results/kill-sweep.json', import.meta.url),
  `${JSON.stringify(result, null, 2)}\n`,
)
process.exit(problems.length > 0 ? 1 : 0)
