#!/usr/bin/env node
// node bench/bare-debian.mjs ARCHIVE [MIRROR]: unpacks packages/inject-…-linux-x64.tar.gz in a
// Debian of nothing but its base (debootstrap; as root), and runs serve, create, setup, update and
// unpack there. Ends with 0 if what is unpacked is what was put in.
import {execFileSync} from 'node:child_process'
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

const [archive, mirror = 'http://deb.debian.org/debian'] = process.argv.slice(2)
if (archive === undefined) {
  process.stderr.write('usage: node bench/bare-debian.mjs ARCHIVE [MIRROR]\n')
  process.exit(2)
}
const root = mkdtempSync(join(tmpdir(), 'inject-bare-'))
const run = (file, ...args) => execFileSync(file, args, {stdio: 'inherit', timeout: 900_000})
try {
  run('debootstrap', '--variant=minbase', 'bookworm', root, mirror)
  run('tar', '-xzf', archive, '-C', join(root, 'opt'))
  writeFileSync(
    join(root, 'tmp/run'),
    `set -eu
! command -v node
export HOME=/root
PATH=$(echo /opt/inject-*/bin):$PATH
mkdir -p /tmp/tree /tmp/base /srv/root
for name in 1 2 3; do head -c 3000000 /dev/urandom > /tmp/tree/$name; done
inject serve /srv/root --listen 127.0.0.1:5055 > /tmp/log 2>&1 &
until inject doctor 127.0.0.1:5055 > /dev/null 2>&1; do sleep 0.2; done
inject create 127.0.0.1:5055/app:v1 /tmp/base --path /srv
inject setup 127.0.0.1:5055/app:v1 --name models --path /opt/models
inject update 127.0.0.1:5055/app:v1 /tmp/tree --name models
inject unpack 127.0.0.1:5055/app:v1 /tmp/out --name models
kill $!
diff -r /tmp/tree /tmp/out
echo passed
`,
  )
  run('chroot', root, 'timeout', '300', 'sh', '/tmp/run')
} finally {
  rmSync(root, {recursive: true, force: true})
}
