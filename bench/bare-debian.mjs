#!/usr/bin/env node
// node bench/bare-debian.mjs [MIRROR]: tries what npm run package has put into packages/ on a
// Debian of nothing but its base (debootstrap; as root): the executable, the folder with Node, and
// the image that bin/image.mjs makes of it, under buildah, as root and as a user without a name.
// Each runs serve, create, setup, update and unpack; ends with 0 if what is unpacked is what was
// put in.
import {execFileSync} from 'node:child_process'
import {copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'

const project = fileURLToPath(new URL('..', import.meta.url))
const {version} = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'))
const packages = join(project, 'packages')
const title = `inject-${version}-linux-x64`
const mirror = process.argv[2] ?? 'http://deb.debian.org/debian'

/** With inject on PATH, and nothing of Node. */
const jobs = `set -eu
! command -v node
inject --version
work=$(mktemp -d)
cd "$work"
export HOME=$work
mkdir tree base
for name in 1 2 3; do head -c 3000000 /dev/urandom > tree/$name; done
inject serve root --listen 127.0.0.1:5055 > log 2>&1 &
server=$!
tries=0
until inject doctor 127.0.0.1:5055 > /dev/null 2>&1; do
  tries=$((tries + 1))
  [ $tries -lt 100 ] || { cat log; exit 1; }
  sleep 0.2
done
image=127.0.0.1:5055/app:v1
inject create $image base --path /srv -q
inject setup $image --name models --path /opt/models -q
for compression in gzip zstd; do
  inject update $image tree --name models --compression $compression -q
  inject unpack $image out-$compression --name models -q
  diff -r tree out-$compression
done
kill $server
wait $server
cd /
rm -rf "$work"
echo passed
`

const work = mkdtempSync(join(tmpdir(), 'inject-bare-'))
const run = (file, args, options = {}) =>
  execFileSync(file, args, {stdio: 'inherit', timeout: 900_000, ...options})
const heading = (text) => process.stdout.write(`\n${text}\n`)
try {
  const root = join(work, 'root')
  heading('a Debian of nothing but its base')
  run('debootstrap', ['--variant=minbase', 'bookworm', root, mirror])
  const base = `oci:${join(work, 'images')}:base`
  const tool = `oci:${join(work, 'images')}:tool`
  // before anything is put there
  run(process.execPath, [
    ...[join(project, 'bin/run.js'), 'create', base, root, '--path', '/', '-q'],
    ...['--platform', 'linux/amd64', '--env', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin'],
  ])

  writeFileSync(join(root, 'tmp/jobs'), jobs)
  const inRoot = (path) =>
    run('unshare', [
      ...['--pid', '--fork', `--mount-proc=${join(root, 'proc')}`, 'chroot', root],
      ...['/usr/bin/env', '-i', `PATH=${path}`, 'timeout', '300', 'sh', '/tmp/jobs'],
    ])
  heading('the executable')
  mkdirSync(join(root, 'opt/single'))
  copyFileSync(join(packages, title), join(root, 'opt/single/inject'))
  inRoot('/opt/single:/usr/sbin:/usr/bin:/sbin:/bin')

  heading('the folder with Node')
  run('tar', ['-xzf', join(packages, `${title}.tar.gz`), '-C', join(root, 'opt')])
  inRoot(`/opt/${title}/bin:/usr/sbin:/usr/bin:/sbin:/bin`)

  heading('the image, under buildah')
  run(process.execPath, [join(project, 'bin/image.mjs'), base, tool])
  runImage('oci:images:tool')
} finally {
  rmSync(work, {recursive: true, force: true})
}

/**
 * In a store of its own, which needs no file system of a special kind. Buildah makes a name of the
 * image's path, so that is relative to `work`.
 */
function runImage(image) {
  const env = {...process.env, BUILDAH_ISOLATION: 'chroot', STORAGE_DRIVER: 'vfs'}
  const store = ['--root', join(work, 'store'), '--runroot', join(work, 'run')]
  const buildah = (...args) => run('buildah', [...store, ...args], {env, cwd: work})
  buildah('from', '--name', 'tool', image)
  try {
    for (const user of ['0:0', '12345:12345']) {
      heading(`as user ${user}`)
      buildah('run', '--user', user, 'tool', '--', 'timeout', '300', 'sh', '-c', jobs)
    }
  } finally {
    buildah('rm', 'tool')
  }
}
