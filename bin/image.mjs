#!/usr/bin/env node
// npm run image -- BASE TARGET: makes the container image of inject by inject itself. BASE is a
// small image with a shell, such as docker.io/library/debian:stable-slim; TARGET is where the
// result goes. For each platform that BASE has, packages/ must hold its archive.
import {execFileSync, spawnSync} from 'node:child_process'
import {existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {parseArgs} from 'node:util'
import {extract} from 'tar'

const root = fileURLToPath(new URL('..', import.meta.url))
const {name, version} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
/** As images name processors, and as Node does. */
const processors = {amd64: 'x64', arm64: 'arm64'}

const {values, positionals} = parseArgs({
  allowPositionals: true,
  options: {packages: {type: 'string', default: join(root, 'packages')}},
})
const [base, target, ...others] = positionals
if (target === undefined || others.length > 0) {
  process.stderr.write('usage: npm run image -- BASE TARGET\n')
  process.exit(2)
}

const work = mkdtempSync(join(tmpdir(), 'inject-image-'))
try {
  const found = Object.entries(processors).filter(([processor, node]) => {
    const file = join(values.packages, `${name}-${version}-linux-${node}.tar.gz`)
    if (!existsSync(file)) return false
    const cwd = join(work, processor)
    mkdirSync(cwd)
    extract({file, cwd, strip: 1, sync: true})
    return true
  })
  if (found.length === 0)
    throw new Error(`no archive for Linux in ${values.packages}: npm run package makes it`)
  const run = join(root, 'bin/run.js')
  const manifest = execFileSync(process.execPath, [run, 'manifest', base], {encoding: 'utf8'})
  const isIndex = JSON.parse(manifest).manifests !== undefined
  const platforms = isIndex
    ? found.flatMap(([processor]) => ['--platform', `linux/${processor}`])
    : []
  const args = [
    ...['update', base, join(work, '{arch}'), '--to', target, ...platforms],
    // one place for all, which any user can read; the entry point stays that of BASE
    ...['--name', 'inject', '--path', '/opt/inject', '--owner', '0:0', '--parents', 'base'],
    ...[
      '--env',
      'PATH=/opt/inject/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ],
    ...['--label', `org.opencontainers.image.version=${version}`],
  ]
  process.exitCode = spawnSync(process.execPath, [run, ...args], {stdio: 'inherit'}).status ?? 1
} finally {
  rmSync(work, {recursive: true, force: true})
}
