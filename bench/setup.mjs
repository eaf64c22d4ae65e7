// Installs what the benchmarks measure against: Debian's packages, crane and regctl by `go install`, dxf by pip. The last two go into bench/.peers, which is not committed.
import {execFileSync, spawnSync} from 'node:child_process'
import {existsSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'

const folder = fileURLToPath(new URL('.peers', import.meta.url))
export const peerPath = `${join(folder, 'bin')}:${join(folder, 'venv/bin')}:${process.env['PATH']}`

const packages = {
  'docker-registry': 'docker-registry',
  skopeo: 'skopeo',
  umoci: 'umoci',
  buildah: 'buildah',
  pigz: 'pigz',
  hyperfine: 'hyperfine',
  '/usr/bin/time': 'time',
}
const programs = {
  crane: 'github.com/google/go-containerregistry/cmd/crane@v0.20.6',
  regctl: 'github.com/regclient/regclient/cmd/regctl@v0.9.2',
}
const dxf = 'python-dxf==12.1.1'

const isThere = (name) => spawnSync('sh', ['-c', 'command -v "$1"', 'sh', name]).status === 0
const run = (command, args, env = {}) =>
  execFileSync(command, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {...process.env, ...env},
  })

/** Makes all peers that can be had here, and says which are. */
export function setup() {
  const missing = Object.entries(packages).flatMap(([name, of]) => (isThere(name) ? [] : [of]))
  if (missing.length > 0) run('apt-get', ['install', '-y', '-qq', ...missing])
  for (const [name, module] of Object.entries(programs)) {
    if (existsSync(join(folder, 'bin', name)) || !isThere('go')) continue
    run('go', ['install', module], {GOBIN: join(folder, 'bin'), CGO_ENABLED: '0'})
  }
  if (!existsSync(join(folder, 'venv/bin/dxf')) && isThere('python3')) {
    run('python3', ['-m', 'venv', join(folder, 'venv')])
    run(join(folder, 'venv/bin/pip'), ['install', '-q', dxf])
  }
  process.env['PATH'] = peerPath
  return [...Object.keys(packages), ...Object.keys(programs), 'dxf'].filter(isThere)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(setup().join('\n'))
