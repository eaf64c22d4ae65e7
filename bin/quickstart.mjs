#!/usr/bin/env node
// The main job from end to end against a registry of its own (inject serve) over a temporary
// folder: no network beyond loopback, no privilege. Prints each command and its output; $REGISTRY
// stands for the address that the system chose.
import {spawn, spawnSync} from 'node:child_process'
import {once} from 'node:events'
import {chmodSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import {createInterface} from 'node:readline'
import {setTimeout as sleep} from 'node:timers/promises'
import {fileURLToPath} from 'node:url'
import {packLayer} from '../dist/src/layer/pack/pack.js'
import {walk} from '../dist/src/layer/tree/walk.js'
import {openLayoutStore} from '../dist/src/store/layout/layout-store.js'

const program = fileURLToPath(new URL('run.js', import.meta.url))
const released = new Date('2026-01-01T00:00:00Z')

/**
 * Makes a file with fixed modes and times, so that everybody who runs this sees the same digests.
 */
function write(root, path, text) {
  mkdirSync(join(root, dirname(path)), {recursive: true})
  writeFileSync(join(root, path), text)
  for (let at = path; at !== '.'; at = dirname(at)) {
    chmodSync(join(root, at), at === path ? 0o644 : 0o755)
    utimesSync(join(root, at), released, released)
  }
}

const source = (bytes) => ({
  open: async function* () {
    yield bytes
  },
})

/** What a vendor ships: an OCI image with one layer, as any registry has it. */
async function makeBaseImage(folder) {
  const root = join(folder, 'vendor-root')
  write(root, 'etc/os-release', 'NAME="Quickstart Linux"\nVERSION_ID=1\n')
  write(root, 'usr/share/app/app.py', 'print(open("/cvmfs/data.txt").read())\n')
  const store = await openLayoutStore(join(folder, 'registry', 'app'), {create: true})
  const layer = packLayer(() => walk(root, {path: '/', owner: {uid: 0, gid: 0}}))
  const {digest, size} = await store.putBlob(layer)
  const config = {
    created: '2026-01-01T00:00:00Z',
    architecture: 'amd64',
    os: 'linux',
    config: {
      Cmd: ['python3', '/usr/share/app/app.py'],
      Labels: {'org.example.vendor': 'quickstart'},
    },
    rootfs: {type: 'layers', diff_ids: [layer.content().diffId]},
    history: [{created: '2026-01-01T00:00:00Z', created_by: 'COPY app /usr/share/app'}],
  }
  const configBlob = await store.putBlob(source(Buffer.from(JSON.stringify(config))))
  const mediaType = 'application/vnd.oci.image.manifest.v1+json'
  const manifest = {
    schemaVersion: 2,
    mediaType,
    config: {
      mediaType: 'application/vnd.oci.image.config.v1+json',
      digest: configBlob.digest,
      size: configBlob.size,
    },
    layers: [{mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size}],
  }
  await store.putManifest(Buffer.from(JSON.stringify(manifest)), mediaType, {
    tags: [{tag: 'v1', from: undefined}],
  })
  await store.close()
}

/**
 * Images remember the name of the registry that they come from, so it must be the same for
 * everybody: an address of this machine that nothing else has. Where there is no such address, or
 * another run has it for long, it is one that the system chooses.
 */
const address = '127.26.1.1:5000'
const tries = 20

/** Starts the registry and resolves with its address. */
async function serve(folder) {
  console.log('$ inject serve registry --listen 127.0.0.1:0 &\n')
  for (let count = 0; count < tries; count++) {
    const server = await listen(folder, address).catch(() => undefined)
    if (server) return server
    if (process.platform !== 'linux') break
    await sleep(1000)
  }
  return listen(folder, '127.0.0.1:0')
}

async function listen(folder, place) {
  const args = [program, 'serve', 'registry', '--listen', place, '--quiet']
  const server = spawn(process.execPath, args, {cwd: folder, stdio: ['ignore', 'pipe', 'ignore']})
  const ended = once(server, 'exit')
  const lines = createInterface({input: server.stdout})
  const [first] = await Promise.race([once(lines, 'line'), ended])
  if (server.exitCode !== null) throw new Error(`inject serve ended with ${server.exitCode}`)
  const stop = async () => {
    server.kill('SIGTERM')
    await ended
  }
  return {address: new URL(first).host, stop}
}

/** Shows and runs one command in the temporary folder, as it would be typed there. */
function run({folder, address: host}, ...args) {
  console.log(`$ inject ${args.join(' ')}`)
  const typed = args.map((arg) => arg.replace('$REGISTRY', host))
  const {status, stdout, stderr} = spawnSync(process.execPath, [program, ...typed], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    env: {...process.env, INJECT_PROGRESS: 'none'},
  })
  console.log(`${stderr}${stdout}`.replaceAll(host, '$REGISTRY'))
  if (status !== 0) throw new Error(`inject ended with ${status}`)
}

function edit(folder, path, text) {
  console.log(`$ echo '${text}' > ${path}\n`)
  write(folder, path, `${text}\n`)
}

const folder = mkdtempSync(join(tmpdir(), 'inject-quickstart-'))
let stop
try {
  await makeBaseImage(folder)
  const server = await serve(folder)
  stop = server.stop
  const here = {folder, address: server.address}
  run(here, 'setup', '$REGISTRY/app:v1')
  run(here, 'unpack', '$REGISTRY/app:v1', 'tree')
  edit(folder, 'tree/cvmfs/data.txt', 'hello from the injected layer')
  run(here, 'update', '$REGISTRY/app:v1', 'tree', '--owner', '0:0')
  run(here, 'update', '$REGISTRY/app:v1', 'tree', '--owner', '0:0')
  edit(folder, 'tree/cvmfs/data.txt', 'hello again')
  run(here, 'update', '$REGISTRY/app:v1', 'tree', '--owner', '0:0', '--tag', 'v2')
  run(here, 'inspect', '$REGISTRY/app:v2')
  // what is served is a layout: the same commands work on it as it stands
  run(here, 'update', 'oci:registry/app:v2', 'tree', '--owner', '0:0')
} finally {
  await stop?.()
  rmSync(folder, {recursive: true, force: true})
}
