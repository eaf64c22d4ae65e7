// node bench/fresh-root.mjs [FILE…]: what a newcomer does on a fresh Debian machine, as root: a
// clone below /root (mode 0700), `npm ci && npm test`, in a root that debootstrap makes. With FILEs
// only these tests run, without the linters. Needs root and debootstrap; FRESH_ROOT=DIR keeps that
// root for another run. The commit that is checked out is tested.
import {execFileSync, spawnSync} from 'node:child_process'
import {cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, rmdirSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {setUp} from './pinned.mjs'

const project = fileURLToPath(new URL('..', import.meta.url))
const tests = process.argv.slice(2)
const kept = process.env['FRESH_ROOT']
const root = kept ?? join(mkdtempSync(join(tmpdir(), 'inject-fresh-')), 'root')
const env = {PATH: '/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', LANG: 'C.UTF-8'}
const run = (...command) => {
  const {status} = spawnSync('chroot', [root, 'sh', '-c', ...command], {stdio: 'inherit', env})
  if (status === 0) return
  console.error(`failed in the fresh root: ${command[0]}`)
  process.exit(1)
}

const mounts = [
  ['proc', ['-t', 'proc', 'proc']],
  ['sys', ['--rbind', '/sys']],
  ['dev', ['--rbind', '/dev']],
  ['dev/shm', ['-t', 'tmpfs', 'shm']],
]

if (process.env['FRESH_ROOT_INSIDE'] === undefined) {
  // mounts of its own, which end with it: nothing has to be unmounted, whatever happens
  const {status} = spawnSync(
    'unshare',
    ['--mount', '--propagation', 'private', process.execPath, process.argv[1], ...tests],
    {stdio: 'inherit', env: {...process.env, FRESH_ROOT: root, FRESH_ROOT_INSIDE: '1'}},
  )
  if (kept === undefined) {
    rmSync(root, {recursive: true, force: true})
    rmdirSync(dirname(root))
  }
  process.exit(status ?? 1)
}

if (!existsSync(join(root, 'etc/debian_version')))
  setUp('a fresh Debian', ['debootstrap', '--variant=minbase', 'bookworm', root], {
    timeout: 900_000,
  })
cpSync('/etc/resolv.conf', join(root, 'etc/resolv.conf'), {dereference: true})
for (const [where, how] of mounts) {
  mkdirSync(join(root, where), {recursive: true})
  setUp(`a fresh root's /${where}`, ['mount', ...how, join(root, where)])
}
// where this machine needs an authority or a proxy of its own to reach the registries, the fresh
// one does, too
const network = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY']
for (const name of network) if (process.env[name]) env[name] = process.env[name]
const authority = process.env['NODE_EXTRA_CA_CERTS']
if (authority && existsSync(authority)) {
  env.NODE_EXTRA_CA_CERTS = '/usr/local/share/extra-authority.pem'
  cpSync(authority, join(root, env.NODE_EXTRA_CA_CERTS), {dereference: true})
}
copyNode()
const clone = join(root, 'root/inject')
rmSync(clone, {recursive: true, force: true})
setUp('a clone', ['git', 'clone', '-q', '--no-hardlinks', project, clone])
setUp('/root as Debian has it', ['chmod', '700', join(root, 'root')])
run('cd /root/inject && npm ci')
const test = tests.length === 0 ? 'npm test' : 'TEST_TOOLS=install npx vitest run "$@"'
run(`cd /root/inject && ${test}`, 'sh', ...tests)

/** This Node, npm, and the libraries that a minimal Debian lacks. */
function copyNode() {
  for (const folder of ['bin', 'lib/node_modules'])
    mkdirSync(join(root, 'usr/local', folder), {recursive: true})
  cpSync(process.execPath, join(root, 'usr/local/bin/node'), {dereference: true})
  const npm = execFileSync('npm', ['root', '-g'], {encoding: 'utf8'}).trim()
  const copy = join(root, 'usr/local/lib/node_modules/npm')
  rmSync(copy, {recursive: true, force: true})
  cpSync(join(npm, 'npm'), copy, {recursive: true, verbatimSymlinks: true})
  run(
    'for name in npm npx; do ln -sf ../lib/node_modules/npm/bin/$name-cli.js /usr/local/bin/$name; done',
  )
  if (spawnSync('chroot', [root, 'node', '--version']).status !== 0)
    setUp('libstdc++ for Node', ['chroot', root, 'apt-get', 'install', '-y', '-qq', 'libstdc++6'])
}
