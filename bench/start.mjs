import {createHash} from 'node:crypto'
import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {mkdirSync, writeFileSync} from 'node:fs'
import {createServer} from 'node:http'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {makeExecutable} from '../bin/executable.mjs'
import {median, program, workFolder} from './parts.mjs'
import {row} from './serve.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * From the start of the process to its end, and to the first request of an update, over the same
 * Node doing nothing; the same of the one executable file, over bin/run.js. In turn, medians;
 * BENCH_NODE is another Node.
 */
export async function start({runs = 25} = {}) {
  const node = process.env['BENCH_NODE'] ?? process.execPath
  const folder = workFolder()
  const tree = join(folder, 'tree')
  mkdirSync(tree)
  writeFileSync(join(tree, 'file'), 'content\n')
  const server = await startServer()
  // Node reads the certificates named there at every start
  const env = {...process.env, XDG_CACHE_HOME: join(folder, 'cache')}
  delete env['NODE_EXTRA_CA_CERTS']
  delete env['NODE_OPTIONS']
  const cold = {...env, NODE_DISABLE_COMPILE_CACHE: '1'}
  const version = ['--version']
  const update = ['update', `${server.address}/app:v1`, tree, '--dry-run', '-q']
  const modules = (args) => [
    '--input-type=module',
    '-e',
    `import {execute} from '${new URL('../node_modules/@oclif/core/lib/index.js', import.meta.url)}'; await execute({args: ${JSON.stringify(args)}, dir: ${JSON.stringify(root)}})`,
  ]
  const executable = join(folder, 'inject')
  const work = join(folder, 'executable')
  mkdirSync(work)
  await makeExecutable({app: root, node, work, target: executable})
  const ways = {
    'node -e 0': {args: ['-e', '0']},
    '--version': {args: [program, ...version]},
    '--version, no cache': {args: [program, ...version], env: cold},
    '--version, no bundle': {args: modules(version)},
    update: {args: [program, ...update], first: true},
    'update, no cache': {args: [program, ...update], env: cold, first: true},
    'update, no bundle': {args: modules(update), first: true},
    executable: {file: executable, args: version},
    'executable, update': {file: executable, args: update, first: true},
  }
  const times = Object.fromEntries(Object.keys(ways).map((name) => [name, []]))
  // the first rounds read the files and write the caches
  for (let round = -2; round < runs; round++) {
    for (const [name, way] of Object.entries(ways)) {
      const taken = await time(node, {env, ...way}, server)
      if (round >= 0) times[name].push(taken)
    }
  }
  server.close()
  const seconds = Object.fromEntries(
    Object.entries(times).map(([name, list]) => [name, median(list)]),
  )
  const over = (name, base = 'node -e 0') => seconds[name] / seconds[base]
  return {
    workload: {runs, node: await versionOf(node)},
    seconds,
    rows: [
      row('--version / node -e 0', over('--version'), {atMost: 2}),
      row('--version without a code cache / node -e 0', over('--version, no cache'), {}),
      row('--version without the bundle / node -e 0', over('--version, no bundle'), {}),
      row('first request of an update / node -e 0', over('update'), {}),
      row('the same without a code cache', over('update, no cache'), {}),
      row('the same without the bundle', over('update, no bundle'), {}),
      row('executable --version / bin/run.js --version', over('executable', '--version'), {
        atMost: 1.5,
      }),
      row(
        'first request of an update: executable / bin/run.js',
        over('executable, update', 'update'),
        {},
      ),
    ],
  }
}

/** Seconds until the process has ended or, with `first`, until its first request came. */
async function time(node, {file = node, args, env, first = false}, server) {
  const began = performance.now()
  const child = spawn(file, args, {env, stdio: ['ignore', 'ignore', 'inherit']})
  const asked = first ? server.next() : undefined
  const [exitCode] = await once(child, 'exit')
  const ended = performance.now()
  if (exitCode !== 0) throw new Error(`${args.join(' ')} ended with ${exitCode}`)
  return ((first ? await asked : ended) - began) / 1000
}

async function versionOf(node) {
  const child = spawn(node, ['--version'], {stdio: ['ignore', 'pipe', 'inherit']})
  let text = ''
  for await (const chunk of child.stdout) text += chunk
  return text.trim()
}

/** One image, as much of it as a dry run asks for, and when the next request comes. */
async function startServer() {
  const digestOf = (bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`
  const describe = (mediaType, bytes) => ({mediaType, digest: digestOf(bytes), size: bytes.length})
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: {},
      rootfs: {type: 'layers', diff_ids: [digestOf('tar')]},
      history: [{created_by: 'base'}],
    }),
  )
  const mediaType = 'application/vnd.oci.image.manifest.v1+json'
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType,
      config: describe('application/vnd.oci.image.config.v1+json', config),
      layers: [describe('application/vnd.oci.image.layer.v1.tar+gzip', Buffer.from('gzip'))],
    }),
  )
  let heard = () => {}
  const server = createServer(({url}, response) => {
    heard(performance.now())
    const isManifest = /\/manifests\/(v1|sha256:)/.test(url)
    if (!isManifest && !url.includes('/blobs/')) return response.writeHead(200).end('{}')
    const bytes = isManifest ? manifest : config
    response
      .writeHead(200, {
        'content-type': isManifest ? mediaType : 'application/octet-stream',
        'content-length': bytes.length,
        'docker-content-digest': digestOf(bytes),
      })
      .end(bytes)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: `127.0.0.1:${server.address().port}`,
    next: () => new Promise((resolve) => (heard = resolve)),
    close: () => server.close(),
  }
}
